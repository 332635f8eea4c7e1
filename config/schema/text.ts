import { z } from 'zod'

/** Text that a C string can hold: environment, arguments and scripts end at a NUL byte. */
export const text = (what = 'text') =>
  z
    .string({ error: `expected ${what}` })
    .refine((value) => !value.includes('\0'), { error: `expected ${what} without NUL bytes` })

/** One line of text for people to read, safe to print on a terminal. */
export const line = (what = 'one line of text') =>
  z
    .string({ error: `expected ${what}` })
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u, { error: `expected ${what} of 1 to 200 characters` })

/** Text in a fixed form; `what` says the form in words. */
export const formed = (pattern: RegExp, what: string) =>
  z.string({ error: `expected ${what}` }).regex(pattern, { error: `expected ${what}` })
