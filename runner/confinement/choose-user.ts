import { stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import type { Scope } from '../scope.ts'
import { claimUser } from './claim-user.ts'
import { findClosed, handOverFiles, type MachineFiles, type MachineUser } from './hand-over-files.ts'
import { type QemuUser, qemuUser, qemuUserName } from './qemu-user.ts'
import { subordinateRange } from './subordinate-range.ts'

type ChooseUser = MachineFiles & {
  /** Of the machine: with it its user is free again. */
  readonly scope: Scope
  readonly signal: AbortSignal
}

export type ChosenUser = {
  /** Undefined where QEMU runs as this process does. */
  readonly user: MachineUser | undefined
  /** For the log, as `runs as root, ...`. */
  readonly words: string
}

/** Whom the QEMU of one machine runs as, whose files are that user's then. */
export async function chooseUser(machine: ChooseUser): Promise<ChosenUser> {
  const { uid: own } = userInfo()
  if (own !== 0) return { user: undefined, words: `runs as user ${own}` }
  const shared = await qemuUser()
  if (shared === undefined)
    return { user: undefined, words: `runs as root, for there is no user ${qemuUserName}` }
  const { words, ...found } = await findUser(machine, shared)
  const closed = await findClosed(machine, found)
  if (closed !== undefined)
    return { user: undefined, words: `runs as root, for ${closed} is closed to ${qemuUserName}` }
  await handOverFiles(machine, { user: found, shared: shared.gid })
  if (machine.spec.accel !== 'kvm') return { user: found, words }
  const { gid: kvm } = await stat('/dev/kvm')
  return { user: { ...found, groups: [...found.groups, kvm] }, words }
}

async function findUser(machine: ChooseUser, shared: QemuUser): Promise<MachineUser & { words: string }> {
  const { paths, scope, signal } = machine
  const range = await subordinateRange(shared)
  const claimed = range && (await claimUser({ range, record: paths.record, signal }))
  if (claimed !== undefined) {
    await scope.defer('user', claimed.release)
    const { uid, gid } = claimed
    return { uid, gid, groups: [shared.gid], words: `runs as user ${uid}, which no other machine has` }
  }
  const why =
    range === undefined ? 'it has no range in /etc/subuid and /etc/subgid' : 'all of its range are taken'
  return { ...shared, groups: [], words: `runs as ${qemuUserName}, as other machines do, for ${why}` }
}
