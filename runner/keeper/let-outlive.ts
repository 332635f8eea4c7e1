import type { ProcessIdentity } from '../../images/process-identity.ts'
import { useImage } from '../../images/shelf/use-markers.ts'
import type { Outliving } from '../machine/machine.ts'
import type { Scope } from '../scope.ts'
import { type Keepsake, removeKeepsake, writeKeepsake } from './keepsake.ts'
import { writeLease } from './lease.ts'

type LetOutlive = {
  readonly id: string
  readonly keepsake: Omit<Keepsake, 'note'>
  readonly terms: Outliving
  readonly leaseFile: string
  readonly qemu: ProcessIdentity
  /** Of the machine. */
  readonly scope: Scope
}

const withKeepsake = new WeakSet<Scope>()

/**
 * Writes down what the next process needs for a machine, hands its uses of images over to QEMU, and tells its keeper for
 * how long it may go on; in this order, so that none goes on that nobody could take up. False where it cannot.
 */
export async function letOutlive(outlive: LetOutlive): Promise<boolean> {
  const { id, keepsake, terms, leaseFile, qemu, scope } = outlive
  const { note, graceMs, until } = terms
  if (!withKeepsake.has(scope)) await scope.defer('keepsake', () => removeKeepsake(id))
  withKeepsake.add(scope)
  if (!(await writeKeepsake(id, { ...keepsake, note }))) return false
  for (const disk of keepsake.uses) await useImage(disk, { machineId: id, process: qemu })
  await writeLease(leaseFile, { graceMs, until })
  return true
}
