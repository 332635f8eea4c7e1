import { z } from 'zod'

/** Those who may enter a machine: by their keys, or as users of the repository's forge. */
export const mayEnterSchema = z.object({
  keys: z
    .array(
      z.object({
        who: z.string().min(1).max(100).describe('name of the maintainer, for the audit record'),
        publicKey: z.string().max(8192).describe('one line as in ~/.ssh/id_ed25519.pub'),
      }),
    )
    .max(100)
    .default([]),
  users: z
    .array(z.string().min(1).max(100))
    .max(20)
    .default([])
    .describe('users of its forge, whose keys are read there: https://FORGE/USER.keys'),
})
