import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { writeFailure } from './write-failure.ts'

/** Of lines that found no room. bytes */
const mostHeld = 1024 * 1024

/**
 * An append-only file of whole lines that outlives a full disk: lines that find no room are held and written with those
 * that come next, once there is some. Calls of one file are made one after the other.
 */
export class LineFile {
  readonly #path: string
  readonly #file: FileHandle
  /** Bytes of whole lines on the disk. */
  #size: number
  #held: Buffer = Buffer.alloc(0)

  private constructor(path: string, file: FileHandle, size: number) {
    this.#path = path
    this.#file = file
    this.#size = size
  }

  /** Takes up a file that a crash left: a torn last line goes. Readable by its owner only. */
  static async open(path: string): Promise<LineFile> {
    const file = await open(path, 'a+', 0o600)
    const { size } = await file.stat()
    const tail = Buffer.alloc(Math.min(size, 1024 * 1024))
    await file.read(tail, 0, tail.length, size - tail.length)
    const isTorn = size > 0 && tail.at(-1) !== 10
    const whole = isTorn ? size - tail.length + tail.lastIndexOf(10) + 1 : size
    if (isTorn) await file.truncate(whole)
    return new LineFile(path, file, whole)
  }

  /**
   * @param line without its line break, and with none inside
   * @throws InfraError `host-disk-full` where more than 1 MiB found no room
   */
  async append(line: string): Promise<void> {
    this.#held = Buffer.concat([this.#held, Buffer.from(`${line}\n`)])
    const failure = await this.#write()
    if (failure !== undefined && this.#held.length > mostHeld) {
      this.#held = Buffer.alloc(0)
      throw failure
    }
  }

  /** @throws InfraError `host-disk-full` where there is no room yet for what is held */
  async close(): Promise<void> {
    try {
      const failure = this.#held.length === 0 ? undefined : await this.#write()
      if (failure !== undefined) throw failure
    } finally {
      await this.#file.close()
    }
  }

  async #write(): Promise<Error | undefined> {
    try {
      await this.#file.appendFile(this.#held)
    } catch (cause) {
      // A part of it may lie there, which would stand there twice.
      await this.#file.truncate(this.#size)
      return writeFailure(this.#path, cause)
    }
    this.#size += this.#held.length
    this.#held = Buffer.alloc(0)
    return undefined
  }
}
