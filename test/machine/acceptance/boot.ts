import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { HostConfig } from '../../../config/host/host-config.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { debianLocalBuilder } from '../../../images/build-debian-local.ts'
import type { ShelfImage } from '../../../images/image.ts'
import { openShelf } from '../../../images/shelf.ts'
import type { MachineOrder } from '../../../runner/job/job-order.ts'
import { type MachinePaths, machinePaths } from '../../../runner/machine/filenames.ts'
import type { Machine } from '../../../runner/machine/machine.ts'
import { startOnHost } from '../../../runner/start-on-host.ts'

/** A machine that boots, started through the runner as a library. */
export type Boot = {
  readonly paths: MachinePaths
  /** The machine once it is ready. */
  readonly ready: Promise<Machine>
  /** Names of the gates passed so far. */
  readonly gates: readonly string[]
  /** Mayfly's own remarks so far. */
  readonly notes: readonly string[]
  /** The boot console so far. */
  console(): Buffer
}

type BootOptions = Partial<Omit<MachineOrder, 'onNote' | 'onConsole'>> & {
  readonly data: string
  readonly host?: Partial<HostConfig>
}

/** A data folder of a test's own, on the image that all share and, if it does not say otherwise, on their templates. */
export async function makeDataFolder(shared: readonly string[] = ['images', 'templates']): Promise<string> {
  const data = await mkdtemp(join(tmpdir(), 'mayfly-acceptance-'))
  for (const name of shared) await symlink(join(inject('sharedData'), name), join(data, name))
  return data
}

export const removeDataFolder = (data: string) => rm(data, { recursive: true, force: true })

/** The image that all tests share, as it lies on the shelf. */
export function localImage(): Promise<ShelfImage> {
  const builders = { 'debian-12-local': debianLocalBuilder() }
  return openShelf({ dataFolder: inject('sharedData'), builders }).resolve('debian-12-local')
}

/** What a host without a host file has, but that its machines boot from cold. */
export async function plainHost(): Promise<HostConfig> {
  const host = await fastHost()
  return { ...host, templates: { ...host.templates, use: false } }
}

/** What a host without a host file has: machines from templates. */
export const fastHost = () => loadHostConfig({ env: {}, standardFile: '/nonexistent' })

/** Starts a small machine; what is given replaces what it is by default. */
export async function startBoot({ data, host: hostParts, onGate, ...order }: BootOptions): Promise<Boot> {
  const id = order.id ?? `acceptance-${randomBytes(4).toString('hex')}`
  const host = { ...(await plainHost()), ...hostParts }
  const image = order.image ?? (await localImage())
  const gates: string[] = []
  const notes: string[] = []
  const chunks: Buffer[] = []
  const ready = startOnHost({ host, dataFolder: data })({
    resources: { cpus: 2, memory: 512 * 2 ** 20, disk: 0 },
    network: 'none',
    userData: undefined,
    signal: new AbortController().signal,
    ...order,
    id,
    image,
    onGate: (gate) => {
      gates.push(gate.name)
      onGate?.(gate)
    },
    onNote: (note) => notes.push(note),
    onConsole: (chunk) => chunks.push(chunk),
  })
  // Whoever awaits it later hears of a failure; until then it must not count as unhandled.
  ready.catch(() => undefined)
  const paths = machinePaths({ dataFolder: data, id, env: process.env, uid: userInfo().uid })
  return { paths, ready, gates, notes, console: () => Buffer.concat(chunks) }
}

/** Runs a command in the guest and gives its output; throws with its error output where it fails. */
export async function output(machine: Machine, command: string): Promise<string> {
  const { code, stdout, stderr } = await machine.exec(command, new AbortController().signal)
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr.toString('utf8')}`)
  return stdout.toString('utf8').trimEnd()
}
