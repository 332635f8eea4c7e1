import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../images/process-identity.ts'
import { machineRecordName, machinesFolder } from './filenames.ts'
import { type MachineRecord, readMachineRecord } from './machine-record.ts'
import { takenMemory } from './taken-memory.ts'

/**
 * Bytes that the machines of a data folder were promised and have not taken yet: free memory that is not free to give.
 * Counts machines of every process, those that are only being started too, and not those that are gone.
 */
export async function outstandingMemory(dataFolder: string, proc = '/proc'): Promise<number> {
  const folder = machinesFolder(dataFolder)
  const ids = await readdir(folder).catch(() => [])
  const each = ids.map(async (id) => {
    const record = await readMachineRecord(join(folder, id, machineRecordName))
    return record === undefined ? 0 : await outstandingOf(record, proc)
  })
  return (await Promise.all(each)).reduce((sum, bytes) => sum + bytes, 0)
}

async function outstandingOf(record: MachineRecord, proc: string): Promise<number> {
  const { owner, qemu, promised, cloned } = record
  if (qemu === undefined) return isAlive(owner) ? promised : 0
  if (!isAlive(qemu)) return 0
  return Math.max(0, promised - (await takenMemory({ pid: qemu.pid, cloned }, proc)))
}
