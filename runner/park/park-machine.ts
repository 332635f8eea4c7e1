import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { syncPath } from '../../images/atomic-file.ts'
import type { MachinePaths } from '../machine/filenames.ts'
import type { QemuMachine } from '../machine/qemu-machine.ts'
import type { QemuSpec } from '../qemu/qemu-spec.ts'
import { armGuest } from '../template/arm-guest.ts'
import { ControlPort } from '../template/control-port.ts'
import { freeze } from '../template/freeze.ts'
import { quit } from '../template/seal.ts'
import { resumeKey, type TemplateSubject } from '../template/template-key.ts'
import { type ParkedPaths, parkedFolder, parkedPaths, parkingFolder } from './filenames.ts'
import { type ParkedManifest, writeParkedManifest } from './parked-manifest.ts'
import { compressFile, compressStream } from './zstd.ts'

type ParkMachine = {
  readonly machine: QemuMachine
  readonly spec: QemuSpec
  readonly subject: TemplateSubject
  readonly places: MachinePaths
  /** The folder of its job. */
  readonly jobFolder: string
  readonly signal: AbortSignal
}

/**
 * Freezes a machine into its job's folder, compressed: devices, memory and disk, all but its image. It is ended by that,
 * and what was parked there before is replaced. Its secrets have to be gone already, and nobody may be logged in.
 *
 * Throws InfraError with its class, or the signal's reason; the machine has to be destroyed then, and nothing new is left.
 */
export async function parkMachine(park: ParkMachine): Promise<ParkedManifest> {
  const { jobFolder } = park
  const began = performance.now()
  const work = parkedPaths(parkingFolder(jobFolder))
  await rm(work.folder, { recursive: true, force: true })
  await mkdir(work.folder, { recursive: true, mode: 0o700 })
  try {
    await freezeInto(work, park)
    const manifest = await describe(work, park, began)
    await writeParkedManifest(work.folder, manifest)
    const place = parkedFolder(jobFolder)
    await rm(place, { recursive: true, force: true })
    await rename(work.folder, place)
    await syncPath(dirname(place))
    return manifest
  } catch (error) {
    await rm(work.folder, { recursive: true, force: true })
    throw error
  }
}

async function freezeInto(work: ParkedPaths, { machine, spec, subject, places, signal }: ParkMachine) {
  const control = await ControlPort.open(places.controlSocket)
  try {
    await armGuest({ machine, control, user: subject.image.profile.user, after: 'steps', signal })
  } finally {
    control.close()
  }
  await freeze({
    qmp: machine.qmp,
    memory: 'within',
    write: (state) => compressStream(state, { to: work.state, signal }),
    socket: places.stateSocket,
    signal,
  })
  await quit(machine, signal)
  await compressFile({ from: places.overlay, to: work.disk, signal })
  const base = await backingOf(places.overlay, signal)
  if (base !== subject.image.disk) await compressFile({ from: base, to: work.base, signal })
  if (spec.firmware.kind === 'uefi') await copyFile(spec.firmware.vars, work.firmwareVars)
  for (const path of await present(work)) {
    await chmod(path, 0o600)
    await syncPath(path)
  }
}

/** The file on which a qcow2 disk stands. */
async function backingOf(disk: string, signal: AbortSignal): Promise<string> {
  const { stdout } = await execa('qemu-img', ['info', '--output=json', disk], { cancelSignal: signal })
  const { 'full-backing-filename': base } = JSON.parse(stdout) as { 'full-backing-filename'?: string }
  if (base === undefined) throw new InfraError('boot', `expected a disk that stands on another, got ${disk}`)
  return base
}

async function describe(work: ParkedPaths, park: ParkMachine, began: number): Promise<ParkedManifest> {
  const { machine, spec, subject } = park
  const { image, resources, accel, qemu } = subject
  const files = await present(work)
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size))
  return {
    format: 1,
    id: machine.id,
    made: new Date().toISOString(),
    resumeKey: await resumeKey(subject),
    arch: process.arch,
    qemu: qemu.version,
    accel: accel.accel,
    image: { name: image.name, digest: image.digest },
    resources,
    network: spec.network.mode,
    mac: spec.network.mac,
    hasBase: files.includes(work.base),
    bytes: sizes.reduce((sum, bytes) => sum + bytes, 0),
    ms: Math.round(performance.now() - began),
  }
}

async function present({ state, disk, base, firmwareVars }: ParkedPaths): Promise<string[]> {
  const paths = [state, disk, base, firmwareVars]
  const found = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)))
  return paths.filter((_, index) => found[index] !== undefined)
}
