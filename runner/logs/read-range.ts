import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'

/**
 * The bytes of a log from offset `start` to before offset `end` (to the file's present end without one).
 * A range beyond the end of the file is empty; an absent file is an error on the stream.
 */
export function readRange({ file, start, end }: { file: string; start: number; end?: number }): Readable {
  if (end !== undefined && end <= start) return Readable.from([])
  return createReadStream(file, { start, ...(end === undefined ? {} : { end: end - 1 }) })
}
