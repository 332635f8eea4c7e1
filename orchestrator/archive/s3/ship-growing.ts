import { open } from 'node:fs/promises'
import { join } from 'node:path'
import {
  consoleName,
  lineIndexName,
  logName,
  timeIndexName,
  timelineName,
} from '../../../runner/job/filenames.ts'
import { liveKey, pieceBytes, pieceKey } from './keys.ts'
import type { ObjectStore } from './object-store.ts'

type Growing = {
  readonly store: Pick<ObjectStore, 'put' | 'removeAll'>
  readonly attempt: string
  /** Of the attempt, on this host. */
  readonly folder: string
  /** Bytes of each file that the bucket has; grows. Empty for an attempt of which nothing is known. */
  readonly shipped: Map<string, number>
}

/** Indexes before what they speak of: a reader may find them behind it, but never ahead. */
const growing = [
  ...[logName, consoleName].flatMap((name) => [lineIndexName(name), timeIndexName(name), name]),
  timelineName,
]

/**
 * Brings to the bucket what the files of an attempt have grown by. The last piece of each is put again as it grows, so
 * that there are few of them however often this is done.
 */
export async function shipGrowing({ store, attempt, folder, shipped }: Growing): Promise<void> {
  for (const name of growing) {
    const file = await open(join(folder, name)).catch(() => undefined)
    if (file === undefined) continue
    try {
      const { size } = await file.stat()
      const before = shipped.get(name)
      // Begun anew, here or by another host: nothing of what was there is a part of it.
      if (before === undefined || size < before) await store.removeAll(liveKey(attempt, name))
      let at = before === undefined || size < before ? 0 : before
      while (at < size) {
        const index = Math.floor(at / pieceBytes)
        const start = index * pieceBytes
        const end = Math.min(size, start + pieceBytes)
        const { buffer, bytesRead } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
        await store.put(pieceKey(attempt, name, index), buffer.subarray(0, bytesRead))
        at = end
        shipped.set(name, at)
      }
      if (size === 0) shipped.set(name, 0)
    } finally {
      await file.close()
    }
  }
}
