import { cleanText } from '../../../runner/logs/clean-text.ts'
import { lineAt } from '../../../runner/logs/line-at.ts'
import type { JobLog } from './job-log.ts'

export type LogMatch = {
  /** counts from 1 */
  readonly line: number
  /** Of the line's first byte. */
  readonly offset: number
  /** The line's first 500 characters, escape sequences removed. */
  readonly text: string
}

type Search = {
  readonly log: JobLog
  readonly text: string
  readonly limit: number
  readonly signal: AbortSignal
}

const blockBytes = 1024 * 1024
/** Between two matches, up to which counting lines is less work than another look into the index. */
const nearBytes = 32 * 1024
/** Bytes of a line that are shown, at most. */
const shownBytes = 2000

/**
 * The lines of a log that hold a text, as they stand: no pattern, upper and lower case alike only as bytes.
 * Reads the file once from the start and stops at the limit; memory does not grow with the log. Only lines that match
 * are numbered, by the line index.
 */
export async function searchLog({ log, text, limit, signal }: Search): Promise<LogMatch[]> {
  const wanted = Buffer.from(text)
  if (wanted.includes(newline)) return []
  const matches: LogMatch[] = []
  for await (const offset of matchingLines({ log, wanted, signal })) {
    const last = matches.at(-1)
    const isNear = last !== undefined && offset - last.offset <= nearBytes
    const line = isNear ? last.line + (await countLines(log, last.offset, offset)) : await lineAt(log, offset)
    matches.push({ line, offset, text: await lineHead(log, offset) })
    if (matches.length >= limit) break
  }
  return matches
}

const newline = 10

type Scan = { readonly log: JobLog; readonly wanted: Buffer; readonly signal: AbortSignal }

/** Offsets of the starts of the lines that match, each line once. */
async function* matchingLines({ log, wanted, signal }: Scan): AsyncGenerator<number> {
  /** The end of what was read: it may begin a match. */
  let held: Buffer = Buffer.alloc(0)
  /** Of the first byte of `held`. */
  let position = 0
  /** Of the line that is being read. */
  let lineStart = 0
  let wasTold = false
  for await (const chunk of log.files.stream(log.name, { start: 0, signal, blockBytes })) {
    const block = Buffer.concat([held, chunk as Buffer])
    let from = 0
    for (;;) {
      if (wasTold) {
        const end = block.indexOf(newline, from)
        if (end < 0) break
        from = end + 1
        lineStart = position + from
        wasTold = false
      }
      const at = block.indexOf(wanted, from)
      if (at < 0) break
      const before = block.lastIndexOf(newline, at)
      yield before < from ? lineStart : position + before + 1
      wasTold = true
      from = at
    }
    const last = block.lastIndexOf(newline)
    if (last >= from) lineStart = position + last + 1
    const kept = wasTold ? 0 : Math.min(wanted.length - 1, block.length - from)
    position += block.length - kept
    held = block.subarray(block.length - kept)
  }
}

async function countLines({ files, name }: JobLog, start: number, end: number): Promise<number> {
  const buffer = await files.read(name, { start, end })
  let count = 0
  for (let at = buffer.indexOf(newline); at >= 0; at = buffer.indexOf(newline, at + 1)) count++
  return count
}

async function lineHead({ files, name }: JobLog, offset: number): Promise<string> {
  const bytes = await files.read(name, { start: offset, end: offset + shownBytes })
  const end = bytes.indexOf(newline)
  return cleanText(end < 0 ? bytes : bytes.subarray(0, end)).slice(0, 500)
}
