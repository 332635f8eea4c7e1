import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { lineIndexName } from '../job/filenames.ts'
import { lineEntrySize, linesPerEntry } from './log-index.ts'

const blockSize = 64 * 1024

/**
 * Byte offset of the start of a line, counted from 1; undefined where the log has no such line (yet).
 * Reads one index entry and at most 256 lines, but for the last lines of a log that is still being written.
 */
export async function findLine(where: {
  folder: string
  name: string
  line: number
}): Promise<number | undefined> {
  const { folder, name, line } = where
  if (!Number.isSafeInteger(line) || line < 1) return undefined
  await using log = await open(join(folder, name))
  await using index = await open(join(folder, lineIndexName(name)))
  const indexed = Math.floor((await index.stat()).size / lineEntrySize)
  const entry = Math.min(Math.floor((line - 1) / linesPerEntry), indexed - 1)
  if (entry < 0) return await skipLines(log, 0, line - 1)
  const bytes = Buffer.alloc(lineEntrySize)
  await index.read(bytes, 0, lineEntrySize, entry * lineEntrySize)
  return await skipLines(log, Number(bytes.readBigUInt64LE()), line - 1 - entry * linesPerEntry)
}

/** The offset after `count` line breaks from `from` on, if a line begins there. */
async function skipLines(log: FileHandle, from: number, count: number): Promise<number | undefined> {
  const { size } = await log.stat()
  const block = Buffer.allocUnsafe(blockSize)
  let left = count
  let offset = from
  while (left > 0) {
    const { bytesRead } = await log.read(block, 0, blockSize, offset)
    if (bytesRead === 0) return undefined
    let at = 0
    for (; at < bytesRead && left > 0; at++) if (block[at] === 10) left--
    offset += at
  }
  return offset < size ? offset : undefined
}
