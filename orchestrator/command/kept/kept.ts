import { z } from 'zod'

/** What is written of a machine that a local run keeps, in its run folder; removing the file ends the machine. */
export const keptSchema = z.object({
  job: z.string(),
  /** ISO 8601; absent while somebody sits in its shell. */
  until: z.string().optional(),
  greeting: z.string(),
  login: z.object({
    folder: z.string(),
    user: z.string(),
    port: z.number().int(),
    keyFile: z.string(),
    knownHostsFile: z.string(),
  }),
})

export type Kept = z.output<typeof keptSchema>
