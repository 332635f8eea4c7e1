import { readFile } from 'node:fs/promises'
import { isAlive, type ProcessIdentity } from '../../images/process-identity.ts'

/** Whether that process is still the QEMU of that machine: a pid is given to others after its owner's death. */
export async function isQemu(identity: ProcessIdentity, id: string): Promise<boolean> {
  if (!isAlive(identity)) return false
  const commandLine = await readFile(`/proc/${identity.pid}/cmdline`, 'latin1').catch(() => '')
  return commandLine.includes('qemu') && commandLine.includes(id)
}
