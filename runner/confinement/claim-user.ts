import { readFile, rm, writeFile } from 'node:fs/promises'
import { withLock } from '../../images/lock.ts'
import { isAlive } from '../../images/process-identity.ts'
import { readMachineRecord } from '../machine/machine-record.ts'
import { userClaim, usersFolder, usersLock } from './filenames.ts'
import type { QemuUser } from './qemu-user.ts'
import type { SubordinateRange } from './subordinate-range.ts'

type ClaimUser = {
  readonly range: SubordinateRange
  /** Path of the machine's record, which says who answers for it, and its QEMU. */
  readonly record: string
  readonly signal: AbortSignal
  /** @defaultValue usersFolder */
  readonly folder?: string
}

export type ClaimedUser = QemuUser & { release(): Promise<void> }

/**
 * Gives a machine a user and a group that no other living machine of this host has, whatever its data folder; undefined
 * where all of the range are taken. It is free again when it is released, or when neither the machine's QEMU nor whoever
 * answers for it lives.
 */
export async function claimUser({
  range,
  record,
  signal,
  folder = usersFolder,
}: ClaimUser): Promise<ClaimedUser | undefined> {
  return await withLock({ path: usersLock(folder), signal }, async () => {
    for (let index = 0; index < range.count; index++) {
      const uid = range.uid + index
      const claim = userClaim(folder, uid)
      if (await isTaken(claim)) continue
      await writeFile(claim, record, { mode: 0o600 })
      return { uid, gid: range.gid + index, release: () => rm(claim, { force: true }) }
    }
    return undefined
  })
}

async function isTaken(claim: string): Promise<boolean> {
  const path = await readFile(claim, 'utf8').catch(() => undefined)
  const record = path === undefined ? undefined : await readMachineRecord(path)
  if (record === undefined) return false
  return isAlive(record.owner) || (record.qemu !== undefined && isAlive(record.qemu))
}
