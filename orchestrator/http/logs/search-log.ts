import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
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
  await using file = await open(log.file)
  const matches: LogMatch[] = []
  for await (const offset of matchingLines({ log, wanted, signal })) {
    const last = matches.at(-1)
    const isNear = last !== undefined && offset - last.offset <= nearBytes
    const line = isNear
      ? last.line + (await countLines(file, last.offset, offset))
      : await lineAt(log, offset)
    matches.push({ line, offset, text: await lineHead(file, offset) })
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
  for await (const chunk of createReadStream(log.file, { signal, highWaterMark: blockBytes })) {
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

async function countLines(file: FileHandle, start: number, end: number): Promise<number> {
  const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
  let count = 0
  for (let at = buffer.indexOf(newline); at >= 0; at = buffer.indexOf(newline, at + 1)) count++
  return count
}

async function lineHead(file: FileHandle, offset: number): Promise<string> {
  const bytes = Buffer.alloc(shownBytes)
  const { bytesRead } = await file.read(bytes, 0, shownBytes, offset)
  const end = bytes.subarray(0, bytesRead).indexOf(newline)
  return cleanText(bytes.subarray(0, end < 0 ? bytesRead : end)).slice(0, 500)
}
