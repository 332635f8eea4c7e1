import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { lineIndexName } from '../../runner/job/filenames.ts'
import { lineEntrySize, linesPerEntry } from '../../runner/logs/log-index.ts'
import { readRange } from '../../runner/logs/read-range.ts'
import type { JobLog } from '../http/logs/job-log.ts'

/** The number of the line that the byte at `offset` is in, counted from 1: binary search in the line index. */
export async function lineAt(log: JobLog, offset: number): Promise<number> {
  let entry: { number: number; start: number }
  try {
    entry = await entryBefore(log, offset)
  } catch {
    return 1
  }
  let line = entry.number * linesPerEntry + 1
  for await (const chunk of readRange({ file: log.file, start: entry.start, end: offset })) {
    for (const byte of chunk as Buffer) if (byte === 10) line++
  }
  return line
}

async function entryBefore(
  { folder, name }: JobLog,
  offset: number,
): Promise<{ number: number; start: number }> {
  await using index = await open(join(folder, lineIndexName(name)))
  const bytes = Buffer.alloc(lineEntrySize)
  let low = 0
  let high = Math.floor((await index.stat()).size / lineEntrySize)
  let found = { number: 0, start: 0 }
  while (low < high) {
    const middle = (low + high) >>> 1
    await index.read(bytes, 0, lineEntrySize, middle * lineEntrySize)
    const start = Number(bytes.readBigUInt64LE())
    if (start <= offset) {
      found = { number: middle, start }
      low = middle + 1
    } else high = middle
  }
  return found
}
