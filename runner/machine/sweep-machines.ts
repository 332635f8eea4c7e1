import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../images/process-identity.ts'
import { sweepUses } from '../../images/shelf/sweep-uses.ts'
import { readLease } from '../keeper/lease.ts'
import { sweepTemplateUses } from '../template/sweep-template-uses.ts'
import { clearMachine } from './clear-machine.ts'
import { leaseName, machineRecordName, machinesFolder } from './filenames.ts'
import { isQemu } from './is-qemu.ts'
import { type MachineRecord, readMachineRecord } from './machine-record.ts'

const youngMs = 60_000

/**
 * Clears away what a killed owner left: a QEMU that still runs, its folder, its sockets, its claim on an image. A
 * machine whose owner lives is left alone, and so is one that may outlive it, which its keeper ends. Returns the ids of
 * the machines that are gone now.
 */
export async function sweepMachines(dataFolder: string): Promise<string[]> {
  const folder = machinesFolder(dataFolder)
  const swept: string[] = []
  for (const id of await readdir(folder).catch(() => [])) {
    const record = await readMachineRecord(join(folder, id, machineRecordName))
    if (record === undefined ? await isYoung(join(folder, id)) : isAlive(record.owner)) continue
    if (record !== undefined && (await isLeased(join(folder, id, leaseName), record))) continue
    await clearMachine({ dataFolder, id, record })
    swept.push(id)
  }
  await sweepUses(dataFolder)
  await sweepTemplateUses(dataFolder)
  return swept
}

// A folder gets its record a moment after it was made.
async function isYoung(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs < youngMs
}

async function isLeased(file: string, { id, qemu }: MachineRecord): Promise<boolean> {
  if (qemu === undefined || !(await isQemu(qemu, id))) return false
  const lease = await readLease(file)
  return lease !== undefined && lease.graceMs > 0
}
