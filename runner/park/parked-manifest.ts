import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { InfraError } from '../../config/errors.ts'
import { writeFileAtomic } from '../../images/atomic-file.ts'
import { parkedPaths } from './filenames.ts'

const manifestSchema = z.object({
  format: z.literal(1),
  /** of the machine, which it has again */
  id: z.string(),
  /** ISO 8601 */
  made: z.string(),
  /** Same for two hosts only if one can resume what the other froze. */
  resumeKey: z.string(),
  arch: z.string(),
  qemu: z.string(),
  accel: z.enum(['kvm', 'tcg']),
  image: z.object({ name: z.string(), digest: z.string() }),
  /** cpus, bytes, bytes */
  resources: z.object({ cpus: z.number(), memory: z.number(), disk: z.number() }),
  network: z.enum(['none', 'web', 'internet']),
  mac: z.string(),
  /** Whether there is a layer between its disk and its image's. */
  hasBase: z.boolean(),
  /** What it takes on disk. */
  bytes: z.number(),
  /** How long it took to be parked. */
  ms: z.number(),
})

/** What is known of a parked machine. */
export type ParkedManifest = z.output<typeof manifestSchema>

/** Written last: a folder without one is no parked machine. */
export async function writeParkedManifest(folder: string, manifest: ParkedManifest): Promise<void> {
  await writeFileAtomic(parkedPaths(folder).manifest, `${JSON.stringify(manifest)}\n`, 0o600)
}

/** @throws {InfraError} of class `boot` where there is none, or not one that this version can read */
export async function readParkedManifest(folder: string): Promise<ParkedManifest> {
  const { manifest } = parkedPaths(folder)
  try {
    return manifestSchema.parse(JSON.parse(await readFile(manifest, 'utf8')))
  } catch (cause) {
    throw new InfraError('boot', `expected a parked machine in ${folder}, found none that can be read`, {
      cause,
    })
  }
}
