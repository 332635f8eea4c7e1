import { createReadStream } from 'node:fs'
import { cleanText } from '../../../runner/logs/clean-text.ts'
import type { JobLog } from './job-log.ts'

export type LogMatch = {
  /** counts from 1 */
  readonly line: number
  /** bytes */
  readonly offset: number
  /** The line's first 500 characters, escape sequences removed. */
  readonly text: string
}

type Search = { log: JobLog; text: string; limit: number; signal: AbortSignal }

/** A line longer than this is looked through in pieces. */
const longestLine = 1024 * 1024

/**
 * The lines of a log that hold a text, as they stand: no pattern, upper and lower case alike only as bytes.
 * Reads the file once from the start and stops at the limit; memory does not grow with the log.
 */
export async function searchLog({ log, text, limit, signal }: Search): Promise<LogMatch[]> {
  const wanted = Buffer.from(text)
  const matches: LogMatch[] = []
  let line = 1
  let lineStart = 0
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of createReadStream(log.file, { signal, highWaterMark: 256 * 1024 })) {
    const block = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
    let from = 0
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, from)) {
      const bytes = block.subarray(from, end)
      if (bytes.includes(wanted)) matches.push(match(bytes, line, lineStart))
      if (matches.length >= limit) return matches
      line++
      lineStart += end + 1 - from
      from = end + 1
    }
    rest = block.subarray(from)
    if (rest.length > longestLine) rest = Buffer.from(rest.subarray(rest.length - wanted.length))
  }
  if (rest.includes(wanted)) matches.push(match(rest, line, lineStart))
  return matches
}

function match(bytes: Buffer, line: number, offset: number): LogMatch {
  return { line, offset, text: cleanText(bytes.subarray(0, 2000)).slice(0, 500) }
}
