import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { lineIndexName } from '../job/filenames.ts'
import { lineEntrySize, linesPerEntry } from './log-index.ts'
import { readRange } from './read-range.ts'

/**
 * The number of the line that the byte at `offset` is in, counted from 1: binary search in the line index, then at most
 * 256 lines. A log without an index is counted from its start; one that is not there has line 1.
 */
export async function lineAt(where: { folder: string; name: string }, offset: number): Promise<number> {
  const entry = await entryBefore(where, offset).catch(() => ({ number: 0, start: 0 }))
  const file = join(where.folder, where.name)
  let line = entry.number * linesPerEntry + 1
  try {
    for await (const chunk of readRange({ file, start: entry.start, end: offset })) {
      for (const byte of chunk as Buffer) if (byte === 10) line++
    }
  } catch {
    return 1
  }
  return line
}

async function entryBefore(
  { folder, name }: { folder: string; name: string },
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
