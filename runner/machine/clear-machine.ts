import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive, type ProcessIdentity } from '../../images/process-identity.ts'
import { removeKeepsake } from '../keeper/keepsake.ts'
import { machinesFolder } from './filenames.ts'
import { isQemu } from './is-qemu.ts'
import type { MachineRecord } from './machine-record.ts'

const endMs = 10_000

type Clear = {
  readonly dataFolder: string
  readonly id: string
  /** Undefined where none was written, or half of one. */
  readonly record: MachineRecord | undefined
}

/** Ends a machine that belongs to nobody and removes all that it left: its QEMU, its folders, its sockets, its key. */
export async function clearMachine({ dataFolder, id, record }: Clear): Promise<void> {
  if (record?.qemu !== undefined) await killQemu(record.qemu, id)
  if (record !== undefined) await rm(record.runFolder, { recursive: true, force: true })
  await removeKeepsake(id)
  // Its keeper may just be writing how it ended.
  await rm(join(machinesFolder(dataFolder), id), { recursive: true, force: true, maxRetries: 10 })
}

/** What it stands on counts as used while it is there, so its end is waited for; a process in the kernel's hands may take long. */
async function killQemu(identity: ProcessIdentity, id: string): Promise<void> {
  if (!(await isQemu(identity, id))) return
  process.kill(identity.pid, 'SIGKILL')
  const late = performance.now() + endMs
  while (isAlive(identity) && performance.now() < late) await sleep(20)
}
