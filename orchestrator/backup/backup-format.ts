import { z } from 'zod'

/** The first file of a backup: what it is, before anything of it is unpacked. */
export const manifestName = 'mayfly-backup.json'

export const manifestSchema = z.object({
  format: z.literal(1),
  /** ISO 8601 */
  created: z.string(),
  /** Whether logs, artifacts and parked machines are in it. */
  jobs: z.boolean(),
  /** Where the rest is, for an installation whose archive is one; absent where all is in the backup. */
  bucket: z.string().optional(),
})

export type BackupManifest = Readonly<z.infer<typeof manifestSchema>>

/**
 * What of the archive's folder is in a backup. In this order: a delivery that is taken as not worked on is worked on
 * again, which makes nothing twice, while one that is taken as built without its builds would lose them; and what was
 * submitted is there before its build is.
 */
export const archiveParts = ['deliveries', 'builds', 'submissions', 'jobs', 'register.json'] as const

/** What of the data folder: the gateway's host key and audit record, and what is on its way to Redis or to a bucket. */
export const dataParts = ['gateway', 'results', 'waiting'] as const
