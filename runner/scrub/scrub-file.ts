import { open } from 'node:fs/promises'
import { scrubPages } from './scrub-pages.ts'

type ScrubFile = {
  readonly path: string
  readonly needles: readonly Buffer[]
  readonly signal: AbortSignal
}

/** bytes read at a time */
const chunkSize = 8 * 2 ** 20

/**
 * Overwrites needles in a file, which keeps its size: in the disk of a guest that stands still, whose clusters lie in any
 * order, as its memory's pages do. Gives how many places were overwritten. Throws what the system says, or the
 * signal's reason.
 */
export async function scrubFile({ path, needles, signal }: ScrubFile): Promise<number> {
  const file = await open(path, 'r+')
  try {
    let places = 0
    const buffer = Buffer.allocUnsafe(chunkSize)
    for (let at = 0; ; ) {
      signal.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, chunkSize, at)
      if (bytesRead === 0) return places
      const ranges = scrubPages(buffer.subarray(0, bytesRead), needles)
      places += ranges.length
      for (const { start, length } of ranges) await file.write(buffer, start, length, at + start)
      at += bytesRead
    }
  } finally {
    await file.close()
  }
}
