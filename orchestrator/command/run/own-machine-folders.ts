import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { machineRecordName, machinesFolder } from '../../../runner/machine/filenames.ts'

/** Folders of the machines that this very process owns, and of their sockets; for a last, hurried clean-up. */
export function ownMachineFolders(dataFolder: string): string[] {
  const machines = machinesFolder(dataFolder)
  // There is no such folder before the first machine.
  if (!existsSync(machines)) return []
  return readdirSync(machines, { withFileTypes: true }).flatMap(({ name }) => {
    try {
      const record = JSON.parse(readFileSync(join(machines, name, machineRecordName), 'utf8'))
      return record.owner.pid === process.pid ? [join(machines, name), String(record.runFolder)] : []
    } catch {
      return []
    }
  })
}

/** Removes them, for a process that ends at once. */
export function clearOwnMachines(dataFolder: string): void {
  for (const folder of ownMachineFolders(dataFolder)) rmSync(folder, { recursive: true, force: true })
}
