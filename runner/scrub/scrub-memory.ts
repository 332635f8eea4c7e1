import { type FileHandle, open } from 'node:fs/promises'
import { pageSize, type Range, scrubPages } from './scrub-pages.ts'

type ScrubMemory = {
  /** The process, whose parent we are or whose user. */
  readonly pid: number
  /** Where the guest's memory lies in it, and how much: bytes, both at a page. */
  readonly address: number
  readonly size: number
  /** Its memory is its template's but for what it has written to. */
  readonly cloned: boolean
  readonly needles: readonly Buffer[]
  readonly signal: AbortSignal
}

/** bytes read at a time */
const chunkSize = 8 * 2 ** 20

/** proc_pid_pagemap(5): eight bytes a page. Of the last of them: in memory, in swap, of a file or shared. */
const pagemapBytes = 8
const presentOrSwapped = 0xc0
const ofFile = 0x20

/**
 * Overwrites needles in the memory of a guest that stands still. Pages that it never touched are left out: they hold
 * nothing, or what the template held before there was a job; so do those of a clone that are still its template's. Gives
 * how many places were overwritten.
 *
 * Throws what the system says where another process's memory cannot be written, or the signal's reason.
 */
export async function scrubMemory(scrub: ScrubMemory): Promise<number> {
  const { pid, address, needles, signal } = scrub
  if (needles.length === 0) return 0
  const memory = await open(`/proc/${pid}/mem`, 'r+')
  const pagemap = await open(`/proc/${pid}/pagemap`, 'r')
  try {
    let places = 0
    const buffer = Buffer.allocUnsafe(chunkSize)
    for await (const run of touchedRuns(scrub, pagemap)) {
      signal.throwIfAborted()
      const bytes = buffer.subarray(0, run.length)
      const { bytesRead } = await memory.read(bytes, 0, run.length, address + run.start)
      if (bytesRead < run.length)
        throw new Error(`expected to read ${run.length} bytes of process ${pid}, got ${bytesRead}`)
      const ranges = scrubPages(bytes, needles)
      places += ranges.length
      for (const { start, length } of ranges) {
        await memory.write(bytes, start, length, address + run.start + start)
      }
    }
    return places
  } finally {
    await memory.close()
    await pagemap.close()
  }
}

/** Runs of pages that the guest has written to, none longer than a chunk. */
async function* touchedRuns(
  { address, size, cloned }: ScrubMemory,
  pagemap: FileHandle,
): AsyncGenerator<Range> {
  const pages = chunkSize / pageSize
  const entries = Buffer.alloc(pages * pagemapBytes)
  for (let chunk = 0; chunk < size; chunk += chunkSize) {
    const count = Math.min(chunkSize, size - chunk) / pageSize
    const at = ((address + chunk) / pageSize) * pagemapBytes
    await pagemap.read(entries, 0, count * pagemapBytes, at)
    let start: number | undefined
    for (let page = 0; page <= count; page++) {
      const flags = page < count ? (entries[page * pagemapBytes + 7] ?? 0) : 0
      const touched = (flags & presentOrSwapped) !== 0 && !(cloned && (flags & ofFile) !== 0)
      if (touched) start ??= page
      if (touched || start === undefined) continue
      yield { start: chunk + start * pageSize, length: (page - start) * pageSize }
      start = undefined
    }
  }
}
