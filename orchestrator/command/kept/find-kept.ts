import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive } from '../../../images/process-identity.ts'
import { keptName, machineRecordName, machinesFolder } from '../../../runner/machine/filenames.ts'
import { readMachineRecord } from '../../../runner/machine/machine-record.ts'
import { type Kept, keptSchema } from './kept.ts'

/** The machine that a local run of this data folder keeps for a job; undefined where there is none. */
export async function findKept(dataFolder: string, job: string): Promise<Kept | undefined> {
  const machines = machinesFolder(dataFolder)
  if (!existsSync(machines)) return undefined
  for (const id of await readdir(machines)) {
    const kept = await readKept(join(machines, id, machineRecordName))
    if (kept?.job === job) return kept
  }
  return undefined
}

async function readKept(recordFile: string): Promise<Kept | undefined> {
  const record = await readMachineRecord(recordFile)
  // What a killed run left lies there until the next run clears it away.
  if (record === undefined || !isAlive(record.owner)) return undefined
  try {
    return keptSchema.parse(JSON.parse(await readFile(join(record.runFolder, keptName), 'utf8')))
  } catch {
    return undefined
  }
}
