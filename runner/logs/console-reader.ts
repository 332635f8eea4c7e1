import type { FileHandle } from 'node:fs/promises'
import { open } from 'node:fs/promises'
import { formatSize } from '../../config/size.ts'
import type { Console } from '../machine/machine.ts'
import { createLineReader } from './line-reader.ts'

type Listener = { readonly onData: (chunk: Buffer) => void; offset: number }

export type ConsoleReaderOptions = {
  /** QEMU's chardev `logfile`, written with `logappend=on`; it need not be there yet. */
  readonly file: string
  /** Bytes the file may grow to before it is emptied. @defaultValue 16 MiB */
  readonly limit?: number
  /** milliseconds, @defaultValue 50 */
  readonly interval?: number
}

const defaultLimit = 16 * 1024 * 1024
const blockSize = 64 * 1024
const keptLines = 200

/**
 * The one reader of a machine's console. The file is the history: every listener has its own place in it and gets
 * every byte from the first, in order, however late it comes, and nobody need listen for the boot to be kept.
 *
 * A file beyond `limit` is emptied when everyone has read it, and a line in place of the past says so; what QEMU
 * writes between the last read and the emptying, well under a millisecond, may be lost then.
 * A listener that throws hears nothing more.
 */
export class ConsoleReader implements Console {
  readonly #file: string
  readonly #limit: number
  readonly #listeners = new Set<Listener>()
  readonly #timer: NodeJS.Timeout
  readonly #block = Buffer.allocUnsafe(blockSize)
  readonly #lines: string[] = []
  readonly #lineReader = createLineReader({ onLine: (line) => this.#keep(line) })
  #handle: FileHandle | undefined
  #emptied: Buffer | undefined
  #reading: Promise<void> | undefined
  #closing: Promise<void> | undefined

  constructor({ file, limit = defaultLimit, interval = 50 }: ConsoleReaderOptions) {
    this.#file = file
    this.#limit = limit
    this.listen((chunk) => this.#lineReader.push(chunk))
    this.#timer = setInterval(() => void this.#poll(), interval)
  }

  /** Bytes of the file that every listener has heard. */
  get read(): number {
    return Math.min(...[...this.#listeners].map(({ offset }) => offset))
  }

  /** `from`: a place in the file, for who has heard it up to there. */
  listen(onData: (chunk: Buffer) => void, from = 0): () => void {
    const listener = { onData, offset: from }
    this.#listeners.add(listener)
    if (this.#emptied !== undefined) this.#deliver(listener, this.#emptied)
    return () => this.#listeners.delete(listener)
  }

  tail(count: number): string[] {
    const pending = this.#lineReader.pending()
    const lines = pending === '' ? this.#lines : [...this.#lines, ...pending.split('\n')]
    return count <= 0 ? [] : lines.slice(-count)
  }

  /** Hands over what is left in the file, then lets go of it. */
  close(): Promise<void> {
    this.#closing ??= this.#finish()
    return this.#closing
  }

  async #finish(): Promise<void> {
    clearInterval(this.#timer)
    await this.#reading
    await this.#poll()
    await this.#handle?.close()
    this.#listeners.clear()
  }

  /** Polls do not overlap; one that finds another under way shares it. */
  #poll(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined
    })
    return this.#reading
  }

  /** Whoever is furthest behind is served first, and no further than to where the next one stands. */
  async #readAll(): Promise<void> {
    try {
      this.#handle ??= await openIfThere(this.#file)
      if (this.#handle === undefined) return
      while (this.#listeners.size > 0) {
        const offsets = [...this.#listeners].map(({ offset }) => offset)
        const lowest = Math.min(...offsets)
        const next = Math.min(...offsets.filter((offset) => offset > lowest))
        const length = Math.min(blockSize, next - lowest)
        const { bytesRead } = await this.#handle.read(this.#block, 0, length, lowest)
        if (bytesRead === 0) break
        this.#serve(lowest, Buffer.from(this.#block.subarray(0, bytesRead)))
      }
      await this.#emptyIfLong(this.#handle)
    } catch (error) {
      clearInterval(this.#timer)
      this.#tellAll(note(`the console could not be read any further: ${String(error)}`))
    }
  }

  #serve(from: number, chunk: Buffer): void {
    for (const listener of [...this.#listeners]) {
      if (listener.offset !== from || !this.#listeners.has(listener)) continue
      listener.offset += chunk.length
      this.#deliver(listener, chunk)
    }
  }

  async #emptyIfLong(handle: FileHandle): Promise<void> {
    const { size } = await handle.stat()
    for (const listener of this.#listeners) if (listener.offset > size) listener.offset = 0
    if (size <= this.#limit || [...this.#listeners].some(({ offset }) => offset < size)) return
    await handle.truncate(0)
    for (const listener of this.#listeners) listener.offset = 0
    this.#emptied ??= note(`the console went beyond ${formatSize(this.#limit)}: its file was emptied here`)
    this.#tellAll(this.#emptied)
  }

  #tellAll(chunk: Buffer): void {
    for (const listener of [...this.#listeners]) this.#deliver(listener, chunk)
  }

  #deliver(listener: Listener, chunk: Buffer): void {
    try {
      listener.onData(chunk)
    } catch (error) {
      this.#listeners.delete(listener)
      process.emitWarning(`A console listener threw and hears nothing more: ${String(error)}`)
    }
  }

  #keep(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > keptLines) this.#lines.shift()
  }
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function note(text: string): Buffer {
  return Buffer.from(`\n[mayfly] ${text}\n`)
}
