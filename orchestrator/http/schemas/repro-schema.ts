import { z } from 'zod'
import { forgeNames } from '../../model/forge-name.ts'

/** Everything that decides what a past job did, but for the values of its secrets. */
export const reproSchema = z.object({
  id: z.string(),
  job: z.unknown().describe('as it was planned: matrix values, inputs and sizes filled in'),
  repository: z
    .object({
      forge: z.enum([...forgeNames, 'local']),
      name: z.string(),
      cloneUrl: z.string(),
      submodules: z.boolean(),
      lfs: z.boolean(),
    })
    .describe('of a local one, which was submitted, the files are at /jobs/JOB/files'),
  ref: z.string(),
  sha: z.string().regex(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/),
  event: z.string(),
  image: z.object({ name: z.string(), digest: z.string() }).optional(),
  checkpoint: z
    .string()
    .regex(/^[0-9a-f]{1,64}$/)
    .optional()
    .describe('key of the one that its setup came from or was kept as'),
  failed: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe('position of the step that failed, setup counted, from 0'),
})
