import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../images/process-identity.ts'
import { type Keepsake, readKeepsake } from '../keeper/keepsake.ts'
import { machineRecordName, machinesFolder } from './filenames.ts'
import { isQemu } from './is-qemu.ts'
import { type MachineRecord, readMachineRecord } from './machine-record.ts'

/** A machine whose process was killed. */
export type Orphan = {
  readonly id: string
  readonly record: MachineRecord
  /** Undefined where it was not to outlive its process, or another version of Mayfly wrote it. */
  readonly keepsake: Keepsake | undefined
  /** Whether its QEMU still runs. */
  readonly runs: boolean
}

/** The machines of a data folder that nobody answers for, running or not. */
export async function findOrphans(dataFolder: string): Promise<Orphan[]> {
  const folder = machinesFolder(dataFolder)
  const orphans: Orphan[] = []
  for (const id of await readdir(folder).catch(() => [])) {
    const record = await readMachineRecord(join(folder, id, machineRecordName))
    if (record === undefined || isAlive(record.owner)) continue
    const runs = record.qemu !== undefined && (await isQemu(record.qemu, id))
    orphans.push({ id, record, keepsake: await readKeepsake(id), runs })
  }
  return orphans
}
