import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { machineRecordName, machinesFolder } from '../../../runner/machine/filenames.ts'

/** Folders of the machines that this very process owns, and of their sockets; for a last, hurried clean-up. */
export function ownMachineFolders(dataFolder: string): string[] {
  const machines = machinesFolder(dataFolder)
  return readdirSync(machines, { withFileTypes: true }).flatMap(({ name }) => {
    try {
      const record = JSON.parse(readFileSync(join(machines, name, machineRecordName), 'utf8'))
      return record.owner.pid === process.pid ? [join(machines, name), String(record.runFolder)] : []
    } catch {
      return []
    }
  })
}
