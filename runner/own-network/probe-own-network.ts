import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { findProgram } from '../host/find-program.ts'
import { withOwnNetwork } from './with-own-network.ts'

/** Whether machines of this host can have a network of their own; `reason` says why not. */
export type OwnNetworkVerdict =
  | { readonly can: true }
  | { readonly can: false; readonly reason: string; readonly mend: string | undefined }

/** Succeeds where there is a way to the internet at large and none to a cloud's metadata. */
const check = 'ip route get 9.9.9.9 >/dev/null && ! ip route get 169.254.169.254 2>/dev/null'

const patienceMs = 20_000

/** Makes such a network, looks into it and takes it down again, which takes a fifth of a second. */
export async function probeOwnNetwork(): Promise<OwnNetworkVerdict> {
  for (const [program, debian] of programs) {
    if ((await findProgram(program, `${process.env.PATH ?? ''}:/usr/sbin:/sbin`)) === undefined)
      return { can: false, reason: `${program} is not installed`, mend: `apt-get install ${debian}` }
  }
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-net-'))
  try {
    const [program = '', ...args] = withOwnNetwork(folder, ['sh', '-c', check])
    const { failed, stderr } = await execa(program, args, { reject: false, timeout: patienceMs })
    if (!failed) return { can: true }
    return { can: false, reason: lastLine(stderr) ?? 'a network was made and is not closed', mend: undefined }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const programs = [
  ['slirp4netns', 'slirp4netns'],
  ['ip', 'iproute2'],
  ['unshare', 'util-linux'],
] as const

function lastLine(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => !line.startsWith('WARNING'))
  return lines.filter((line) => line.trim() !== '').at(-1)
}
