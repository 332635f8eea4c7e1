import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { processIdentitySchema } from '../../images/process-identity.ts'

const recordSchema = z.object({
  id: z.string(),
  /** The process that answers for this machine; a machine without one belongs to nobody. */
  owner: processIdentitySchema,
  qemu: processIdentitySchema.optional(),
  runFolder: z.string(),
  /** Bytes of this host that are the machine's, whether it has taken them yet or not; see `claimMemory`. */
  promised: z.number().nonnegative().default(0),
  /** Its memory is its template's, and only what it has written to is its own. */
  cloned: z.boolean().default(false),
})

/** What is kept of a machine on disk, so that it can be found again or cleared away. No secret is in it. */
export type MachineRecord = z.infer<typeof recordSchema>

/** Whole or not at all: a sweep that reads half of one would take a living machine for nobody's. */
export async function writeMachineRecord(file: string, record: MachineRecord): Promise<void> {
  await writeFileAtomic(file, JSON.stringify(record, null, 2), 0o600)
}

/** Undefined where there is none, or one that was cut short. */
export async function readMachineRecord(file: string): Promise<MachineRecord | undefined> {
  try {
    return recordSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch {
    return undefined
  }
}
