import { type CgroupVerdict, probeCgroup } from '../../../runner/confinement/probe-cgroup.ts'
import { type QemuUser, qemuUserName } from '../../../runner/confinement/qemu-user.ts'
import type { SubordinateRange } from '../../../runner/confinement/subordinate-range.ts'
import type { Finding } from './finding.ts'

/** Whether each machine has a control group of its own, which holds what QEMU takes of this host. */
export async function checkCgroup(verdict?: CgroupVerdict): Promise<Finding> {
  const told = { name: 'machine limits', mend: undefined }
  const found = verdict ?? (await probeCgroup())
  if (!found.can)
    return { ...told, state: 'weak', found: `no control group for each machine: ${found.reason}` }
  const { parent, controllers } = found
  return { ...told, state: 'good', found: `a control group for each machine in ${parent} (${controllers})` }
}

/** Whose rights QEMU has, where Mayfly runs as `uid` and `range` is for its machines. */
export function checkUser(
  uid: number,
  user: QemuUser | undefined,
  range: SubordinateRange | undefined,
): Finding {
  const told = { name: 'user of QEMU', mend: undefined }
  if (uid !== 0) return { ...told, state: 'good', found: `user ${uid}, as Mayfly` }
  if (user !== undefined && range !== undefined) {
    const last = range.uid + range.count - 1
    return { ...told, state: 'good', found: `one of its own for each machine, of ${range.uid} to ${last}` }
  }
  if (user !== undefined) {
    const found = `${qemuUserName}, user ${user.uid}, which all machines share; what breaks out of one can reach the others`
    const ids = '300000-365535'
    const mend = `usermod --add-subuids ${ids} --add-subgids ${ids} ${qemuUserName}`
    return { ...told, state: 'weak', found, mend }
  }
  const found = 'root, as Mayfly; what breaks out of a machine and past the filter is root'
  const mend = `useradd --system --user-group --no-create-home --shell /usr/sbin/nologin ${qemuUserName}`
  return { ...told, state: 'weak', found, mend }
}
