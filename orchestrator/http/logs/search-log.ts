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

/** Bytes of a line that are shown, at most. */
const shownBytes = 2000

/**
 * The lines of a log that hold a text, as they stand: no pattern, upper and lower case alike only as bytes.
 * Reads the file once from the start and stops at the limit; memory does not grow with the log.
 */
export async function searchLog({ log, text, limit, signal }: Search): Promise<LogMatch[]> {
  const wanted = Buffer.from(text)
  const matches: LogMatch[] = []
  let line = 1
  let lineStart = 0
  let held = none
  for await (const chunk of createReadStream(log.file, { signal, highWaterMark: 256 * 1024 })) {
    const block = chunk as Buffer
    let from = 0
    for (let end = block.indexOf(10); end >= 0; end = block.indexOf(10, from)) {
      const whole = longer(held, block.subarray(from, end), wanted)
      if (whole.isMatch) matches.push(match(whole.head, line, lineStart))
      if (matches.length >= limit) return matches
      line++
      lineStart += whole.length + 1
      from = end + 1
      held = none
    }
    held = longer(held, block.subarray(from), wanted)
  }
  if (held.isMatch) matches.push(match(held.head, line, lineStart))
  return matches
}

/** What is kept of a line while it is read: its last bytes may begin a match, its first are shown. */
type Line = {
  readonly bytes: Buffer
  readonly length: number
  readonly isMatch: boolean
  readonly head: Buffer
}

const none: Line = { bytes: Buffer.alloc(0), length: 0, isMatch: false, head: Buffer.alloc(0) }

function longer(line: Line, more: Buffer, wanted: Buffer): Line {
  const joined = line.length === 0 ? more : Buffer.concat([line.bytes, more])
  return {
    bytes: joined.subarray(Math.max(0, joined.length - wanted.length + 1)),
    length: line.length + more.length,
    isMatch: line.isMatch || joined.includes(wanted),
    head:
      line.length === 0
        ? more.subarray(0, shownBytes)
        : Buffer.concat([line.head, more]).subarray(0, shownBytes),
  }
}

function match(bytes: Buffer, line: number, offset: number): LogMatch {
  return { line, offset, text: cleanText(bytes).slice(0, 500) }
}
