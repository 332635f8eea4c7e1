import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import type { InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import { lineIndexName, timeIndexName } from '../job/filenames.ts'
import type { LineIndex, TimeIndex } from './log-index.ts'
import { repairLog } from './repair-log.ts'
import { writeFailure } from './write-failure.ts'

export type LogFileOptions = {
  readonly folder: string
  /** File name of the bytes; the indexes' names follow from it. */
  readonly name: string
  /** Bytes kept; one last line beyond it says that it was reached. @defaultValue 256 MiB */
  readonly limit?: number
}

const defaultLimit = 256 * 1024 * 1024
/** `append` waits while more than this is on its way to the disk. bytes */
const highWater = 1024 * 1024

/**
 * An append-only log with what a range or a line look-up needs beside it:
 * `<name>` its bytes, `<name>.lines` the u64 LE offset of every 256th line's start, `<name>.times` records of
 * u64 LE offset and u64 LE milliseconds since the job's start, at most one per 50 ms.
 * Bytes are written before what the indexes say of them, so that a crash can only leave the indexes behind;
 * `open` takes up a file that a crash left and mends them.
 */
export class LogFile {
  readonly path: string
  readonly #limit: number
  readonly #files: { log: FileHandle; lines: FileHandle; times: FileHandle }
  readonly #lines: LineIndex
  readonly #times: TimeIndex
  #size: number
  #written: number
  #cut: boolean
  #queue: Buffer[] = []
  #writing: Promise<void> | undefined
  #failure: InfraError | undefined
  #closed = false

  private constructor(path: string, limit: number, opened: Opened) {
    this.path = path
    this.#limit = limit
    this.#files = opened.files
    this.#lines = opened.lines
    this.#times = opened.times
    this.#size = opened.size
    this.#written = opened.size
    this.#cut = false
  }

  /** @throws InfraError `host-disk-full` where there is no room, and Node's own error where the folder is absent. */
  static async open({ folder, name, limit = defaultLimit }: LogFileOptions): Promise<LogFile> {
    const log = await open(join(folder, name), 'a+', 0o600)
    const lines = await open(join(folder, lineIndexName(name)), 'a+', 0o600)
    const times = await open(join(folder, timeIndexName(name)), 'a+', 0o600)
    const repaired = await repairLog({ log, lines, times, limit })
    const file = new LogFile(join(folder, name), limit, { files: { log, lines, times }, ...repaired })
    if (repaired.wasCut) file.#cutHere()
    return file
  }

  /** Bytes accepted so far; those on the disk may be a little fewer until `flush`. */
  get size(): number {
    return this.#size
  }

  /**
   * Adds bytes that came `at` milliseconds after the job's start. Waits when the disk is slower than the caller,
   * who must not change `chunk` afterwards. What is beyond the limit is dropped.
   * @throws InfraError `host-disk-full`
   */
  async append(chunk: Buffer, at: number): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closed || this.#cut || chunk.length === 0) return
    this.#times.note(this.#size, at)
    const room = this.#limit - this.#size
    this.#enqueue(chunk.length > room ? chunk.subarray(0, room) : chunk)
    if (chunk.length > room) this.#cutHere()
    if (this.#size - this.#written > highWater) await this.flush()
  }

  /** Resolves when all that was accepted can be read from the files. */
  async flush(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Writes what is left and closes the files; may be called again. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    try {
      await this.flush()
      await this.#files.log.datasync()
    } finally {
      for (const file of Object.values(this.#files)) await file.close()
    }
  }

  #cutHere(): void {
    this.#cut = true
    const lineBreak = this.#lines.atLineStart ? '' : '\n'
    this.#enqueue(
      Buffer.from(
        `${lineBreak}log limit of ${formatSize(this.#limit).replace(' ', '')} reached: the rest is not kept\n`,
      ),
    )
  }

  #enqueue(chunk: Buffer): void {
    this.#lines.note(this.#size, chunk)
    this.#queue.push(chunk)
    this.#size += chunk.length
    this.#writing ??= this.#drain()
  }

  /** One writer at a time; whatever came meanwhile goes out in one call. */
  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const chunks = this.#queue
        const lines = this.#lines.take()
        const times = this.#times.take()
        this.#queue = []
        await writeWhole(this.#files.log, chunks)
        this.#written += chunks.reduce((sum, chunk) => sum + chunk.length, 0)
        if (lines.length > 0) await writeWhole(this.#files.lines, [lines])
        if (times.length > 0) await writeWhole(this.#files.times, [times])
      }
    } catch (cause) {
      this.#failure = writeFailure(this.path, cause)
      this.#queue = []
    } finally {
      this.#writing = undefined
    }
  }
}

type Opened = {
  readonly files: { log: FileHandle; lines: FileHandle; times: FileHandle }
  readonly lines: LineIndex
  readonly times: TimeIndex
  readonly size: number
}

/** `writev` may take fewer bytes than offered and says so only; `appendFile` writes until all are there. */
async function writeWhole(file: FileHandle, chunks: Buffer[]): Promise<void> {
  const all = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
  await file.appendFile(all)
}
