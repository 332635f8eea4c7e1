import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { timeIndexName } from '../job/filenames.ts'
import { timeEntrySize } from './log-index.ts'

/**
 * When the byte at `offset` came, in milliseconds since the job's start, to about 50 ms: binary search in the
 * time index. Undefined for an empty log.
 */
export async function timeAt(where: {
  folder: string
  name: string
  offset: number
}): Promise<number | undefined> {
  await using index = await open(join(where.folder, timeIndexName(where.name)))
  const entry = Buffer.alloc(timeEntrySize)
  let low = 0
  let high = Math.floor((await index.stat()).size / timeEntrySize)
  let found: number | undefined
  while (low < high) {
    const middle = (low + high) >>> 1
    await index.read(entry, 0, timeEntrySize, middle * timeEntrySize)
    if (Number(entry.readBigUInt64LE()) <= where.offset) {
      found = Number(entry.readBigUInt64LE(8))
      low = middle + 1
    } else {
      high = middle
    }
  }
  return found
}
