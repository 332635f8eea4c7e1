import { z } from 'zod'
import { formed, text } from './text.ts'

/** Name of a variable or a secret. Mayfly's own are not to be set: steps rely on what they say. */
export const variableName = () =>
  formed(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/, 'a name of letters, digits and _, not starting with a digit')
    .refine((name) => !name.startsWith('MAYFLY_') && name !== 'MAYFLY', {
      error: 'names that start with MAYFLY are set by Mayfly itself',
    })
    .meta({ title: 'name' })

/** What stands for text where numbers and booleans are easily written: it becomes the text. */
export const scalarText = () => {
  const what = 'text, a number or true/false'
  return z.union([text(what), z.number(), z.boolean()], { error: `expected ${what}` }).transform(String)
}

/** Environment variables. */
export const env = () =>
  z
    .record(variableName(), scalarText(), { error: 'expected a mapping of variables to values' })
    .meta({ title: 'variables' })
