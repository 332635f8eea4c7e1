import type { AttemptFiles } from '../job/attempt-files.ts'
import { lineIndexName } from '../job/filenames.ts'
import { lineEntrySize, linesPerEntry } from './log-index.ts'

type Where = { readonly files: Pick<AttemptFiles, 'size' | 'read' | 'stream'>; readonly name: string }

/**
 * The number of the line that the byte at `offset` is in, counted from 1: binary search in the line index, then at most
 * 256 lines. A log without an index is counted from its start; one that is not there has line 1.
 */
export async function lineAt(where: Where, offset: number): Promise<number> {
  const entry = await entryBefore(where, offset).catch(() => ({ number: 0, start: 0 }))
  let line = entry.number * linesPerEntry + 1
  try {
    for await (const chunk of where.files.stream(where.name, { start: entry.start, end: offset })) {
      for (const byte of chunk as Buffer) if (byte === 10) line++
    }
  } catch {
    return 1
  }
  return line
}

async function entryBefore(
  { files, name }: Where,
  offset: number,
): Promise<{ number: number; start: number }> {
  const index = lineIndexName(name)
  let low = 0
  let high = Math.floor(((await files.size(index)) ?? 0) / lineEntrySize)
  let found = { number: 0, start: 0 }
  while (low < high) {
    const middle = (low + high) >>> 1
    const at = middle * lineEntrySize
    const start = Number((await files.read(index, { start: at, end: at + lineEntrySize })).readBigUInt64LE())
    if (start <= offset) {
      found = { number: middle, start }
      low = middle + 1
    } else high = middle
  }
  return found
}
