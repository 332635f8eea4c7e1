import { z } from 'zod'

/** A list, or a single entry in its place. */
export const oneOrMore = <S extends z.ZodType>(entry: S, what: string) =>
  z
    .union([entry, z.array(entry, { error: `expected ${what}` })], { error: `expected ${what}` })
    .transform((value): z.output<S>[] => (Array.isArray(value) ? value : [value]))
