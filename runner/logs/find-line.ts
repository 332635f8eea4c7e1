import type { AttemptFiles } from '../job/attempt-files.ts'
import { lineIndexName } from '../job/filenames.ts'
import { lineEntrySize, linesPerEntry } from './log-index.ts'

type Files = Pick<AttemptFiles, 'size' | 'read' | 'stream'>

const blockBytes = 64 * 1024

/**
 * Byte offset of the start of a line, counted from 1; undefined where the log has no such line (yet).
 * Reads one index entry and at most 256 lines, but for the last lines of a log that is still being written.
 */
export async function findLine(where: {
  files: Files
  name: string
  line: number
}): Promise<number | undefined> {
  const { files, name, line } = where
  if (!Number.isSafeInteger(line) || line < 1) return undefined
  const index = lineIndexName(name)
  const indexed = Math.floor(((await files.size(index)) ?? 0) / lineEntrySize)
  const entry = Math.min(Math.floor((line - 1) / linesPerEntry), indexed - 1)
  if (entry < 0) return await skipLines(where, 0, line - 1)
  const at = entry * lineEntrySize
  const bytes = await files.read(index, { start: at, end: at + lineEntrySize })
  return await skipLines(where, Number(bytes.readBigUInt64LE()), line - 1 - entry * linesPerEntry)
}

/** The offset after `count` line breaks from `from` on, if a line begins there. */
async function skipLines(
  { files, name }: { files: Files; name: string },
  from: number,
  count: number,
): Promise<number | undefined> {
  let left = count
  let offset = from
  if (left > 0)
    for await (const chunk of files.stream(name, { start: from, blockBytes })) {
      const block = chunk as Buffer
      let at = 0
      for (; at < block.length && left > 0; at++) if (block[at] === 10) left--
      offset += at
      if (left === 0) break
    }
  if (left > 0) return undefined
  return offset < ((await files.size(name)) ?? 0) ? offset : undefined
}
