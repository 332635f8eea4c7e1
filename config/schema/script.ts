import { text } from './text.ts'

/**
 * A script for an interpreter in the guest. CRLF line ends, as a checkout on Windows leaves them, become LF: `sh` would
 * take the CR for a part of the last word.
 */
export const script = () =>
  text('a script')
    .refine((value) => value.trim() !== '', { error: 'expected a script with at least one command' })
    .overwrite((value) => value.replaceAll('\r\n', '\n'))
    .meta({ title: 'script' })
