import type { FileHandle } from 'node:fs/promises'
import { LineIndex, lineEntrySize, linesPerEntry, TimeIndex, timeEntrySize } from './log-index.ts'

type LogFiles = { readonly log: FileHandle; readonly lines: FileHandle; readonly times: FileHandle }

type Repaired = {
  readonly size: number
  readonly lines: LineIndex
  readonly times: TimeIndex
  /** The limit had been reached; what stood beyond it, whole or torn, is gone. */
  readonly wasCut: boolean
}

const blockSize = 1024 * 1024

/**
 * Makes the indexes of a log true again: torn records and those that speak of bytes which never reached the disk
 * are dropped, and the lines since the last good entry are counted anew. A new, empty log passes through as well.
 */
export async function repairLog({
  log,
  lines,
  times,
  limit,
}: LogFiles & { limit: number }): Promise<Repaired> {
  const onDisk = (await log.stat()).size
  const wasCut = onDisk > limit
  if (wasCut) await log.truncate(limit)
  const size = Math.min(onDisk, limit)
  return {
    size,
    lines: await repairLines({ log, lines, size }),
    times: await repairTimes(times, size),
    wasCut,
  }
}

async function repairLines(options: {
  log: FileHandle
  lines: FileHandle
  size: number
}): Promise<LineIndex> {
  const { log, lines, size } = options
  let entries = Math.floor((await lines.stat()).size / lineEntrySize)
  while (entries > 0) {
    const offset = await readOffset(lines, entries - 1, lineEntrySize)
    // Each line takes a byte at least. A file whose end never reached the disk can have zeros there.
    const canBe = offset >= (entries - 1) * linesPerEntry
    if (canBe && (await isLineStart(log, offset, size))) break
    entries--
  }
  await lines.truncate(entries * lineEntrySize)
  const from = entries === 0 ? 0 : await readOffset(lines, entries - 1, lineEntrySize)
  const index = new LineIndex({
    lineBreaks: Math.max(0, entries - 1) * linesPerEntry,
    atLineStart: true,
    entries,
  })
  const block = Buffer.allocUnsafe(blockSize)
  for (let at = from; at < size; ) {
    const { bytesRead } = await log.read(block, 0, Math.min(blockSize, size - at), at)
    if (bytesRead === 0) break
    index.note(at, block.subarray(0, bytesRead))
    at += bytesRead
  }
  return index
}

async function repairTimes(times: FileHandle, size: number): Promise<TimeIndex> {
  let entries = Math.floor((await times.stat()).size / timeEntrySize)
  while (entries > 0) {
    const offset = await readOffset(times, entries - 1, timeEntrySize)
    if (offset < size && offset >= entries - 1) break
    entries--
  }
  await times.truncate(entries * timeEntrySize)
  if (entries === 0) return new TimeIndex(Number.NEGATIVE_INFINITY)
  const last = Buffer.alloc(8)
  await times.read(last, 0, 8, (entries - 1) * timeEntrySize + 8)
  return new TimeIndex(Number(last.readBigUInt64LE()))
}

async function isLineStart(log: FileHandle, offset: number, size: number): Promise<boolean> {
  if (offset === 0) return true
  if (offset > size) return false
  const before = Buffer.alloc(1)
  await log.read(before, 0, 1, offset - 1)
  return before[0] === 10
}

async function readOffset(index: FileHandle, entry: number, entrySize: number): Promise<number> {
  const bytes = Buffer.alloc(8)
  await index.read(bytes, 0, 8, entry * entrySize)
  return Number(bytes.readBigUInt64LE())
}
