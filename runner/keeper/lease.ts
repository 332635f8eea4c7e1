import { readFile, rename, writeFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { ownIdentity, type ProcessIdentity } from '../../images/process-identity.ts'

/** For how long a machine goes on when the process that answers for it is gone. */
export type Lease = {
  readonly owner: ProcessIdentity
  /** Milliseconds after its owner's end. */
  readonly graceMs: number
  /** Milliseconds since the boot of this host, see `monotonicMs`; undefined where grace alone counts. */
  readonly until: number | undefined
}

/** Of a machine that ends with its owner. */
export const noLease = { graceMs: 0, until: undefined } as const

/** Milliseconds since the boot of this host: the same for all its processes, and no business of who sets its clock. */
export function monotonicMs(): number {
  return uptime() * 1000
}

/** Writes the lease of this process for the machine's keeper, whole or not at all. A reboot ends it in any case. */
export async function writeLease(file: string, { graceMs, until }: Omit<Lease, 'owner'>): Promise<void> {
  const { pid, startTime } = ownIdentity()
  const seconds = (ms: number) => String(Math.ceil(ms / 1000))
  const line = [pid, startTime, seconds(graceMs), until === undefined ? '-' : seconds(until)].join(' ')
  await writeFile(`${file}.new`, `${line}\n`, { mode: 0o600 })
  await rename(`${file}.new`, file)
}

/** Undefined where there is none that can be read. */
export async function readLease(file: string): Promise<Lease | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  const fields = /^(\d+) (\d+) (\d+) (-|\d+)\n$/.exec(text)
  if (fields === null) return undefined
  const [, pid, startTime, grace, until] = fields
  return {
    owner: { pid: Number(pid), startTime: Number(startTime) },
    graceMs: Number(grace) * 1000,
    until: until === '-' ? undefined : Number(until) * 1000,
  }
}
