import { z } from 'zod'
import { relativePath } from '../../../config/schema/relative-path.ts'

/** A parameter that may come once or often. */
const several = (one: z.ZodString) => z.union([one.transform((value) => [value]), z.array(one)])

/** What is said of a submission beside its files. */
export const submissionQuery = z.object({
  name: z
    .string()
    .regex(/^[^\p{Cc}/]{1,100}$/u, 'expected the name of a folder, of at most 100 characters')
    .describe('what the folder is called'),
  file: relativePath()
    .max(500)
    .optional()
    .describe("path of the pipeline file in it; the server's usual one without it"),
  job: several(z.string().min(1).max(200)).optional().describe('only these'),
  input: several(
    z
      .string()
      .regex(/^[^=]+=/, 'expected key=value')
      .max(10_000),
  )
    .default([])
    .transform((given) => Object.fromEntries(given.map(split)))
    .describe('key=value'),
})

export const submissionLimitsSchema = z.object({
  bytes: z.number().int().describe('of the bundle, and of the files in it'),
})

function split(text: string): [string, string] {
  const equals = text.indexOf('=')
  return [text.slice(0, equals), text.slice(equals + 1)]
}
