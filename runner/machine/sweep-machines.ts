import { readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive, type ProcessIdentity } from '../../images/process-identity.ts'
import { sweepUses } from '../../images/shelf/sweep-uses.ts'
import { machineRecordName, machinesFolder } from './filenames.ts'
import { readMachineRecord } from './machine-record.ts'

const youngMs = 60_000

/**
 * Clears away what a killed owner left: a QEMU that still runs, its folder, its sockets, its claim on an image. A
 * machine whose owner lives is left alone. Returns the ids of the machines that are gone now.
 */
export async function sweepMachines(dataFolder: string): Promise<string[]> {
  const folder = machinesFolder(dataFolder)
  const swept: string[] = []
  for (const id of await namesIn(folder)) {
    const record = await readMachineRecord(join(folder, id, machineRecordName))
    if (record === undefined ? await isYoung(join(folder, id)) : isAlive(record.owner)) continue
    if (record?.qemu !== undefined && (await isQemu(record.qemu, id)))
      process.kill(record.qemu.pid, 'SIGKILL')
    if (record !== undefined) await rm(record.runFolder, { recursive: true, force: true })
    await rm(join(folder, id), { recursive: true, force: true })
    swept.push(id)
  }
  await sweepUses(dataFolder)
  return swept
}

// A folder gets its record a moment after it was made.
async function isYoung(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs < youngMs
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch {
    return []
  }
}

// A pid is given to others after its owner's death; start time and command line are not.
async function isQemu(identity: ProcessIdentity, id: string): Promise<boolean> {
  if (!isAlive(identity)) return false
  const commandLine = await readFile(`/proc/${identity.pid}/cmdline`, 'latin1').catch(() => '')
  return commandLine.includes('qemu') && commandLine.includes(id)
}
