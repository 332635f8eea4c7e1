import { text } from '../schema/text.ts'

/** A path on this host; a relative one counts from the host file's folder. */
export const path = () =>
  text('a path')
    .refine((value) => value.trim() !== '', { error: 'expected a path' })
    .meta({ title: 'path' })
