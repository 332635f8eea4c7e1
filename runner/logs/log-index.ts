/** Every how many lines the line index has an entry. */
export const linesPerEntry = 256
export const lineEntrySize = 8
export const timeEntrySize = 16
/** milliseconds between two entries of the time index */
const timeStep = 50
const newline = 10

/** Collects the offsets of every 256th line's start while bytes pass by. */
export class LineIndex {
  #lineBreaks: number
  #pending: number[] = []
  atLineStart: boolean

  constructor(start: { lineBreaks: number; atLineStart: boolean; entries: number }) {
    this.#lineBreaks = start.lineBreaks
    this.atLineStart = start.atLineStart
    if (start.entries === 0) this.#pending.push(0)
  }

  /** A plain loop: `indexOf` per line is ten times slower on a log of empty lines. */
  note(offset: number, chunk: Buffer): void {
    let lineBreaks = this.#lineBreaks
    for (let i = 0; i < chunk.length; i++) {
      if (chunk[i] !== newline) continue
      lineBreaks++
      if (lineBreaks % linesPerEntry === 0) this.#pending.push(offset + i + 1)
    }
    this.#lineBreaks = lineBreaks
    if (chunk.length > 0) this.atLineStart = chunk[chunk.length - 1] === newline
  }

  /** The entries since the last call, as they go to the file. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#pending.length * lineEntrySize)
    for (const [index, offset] of this.#pending.entries()) {
      bytes.writeBigUInt64LE(BigInt(offset), index * lineEntrySize)
    }
    this.#pending = []
    return bytes
  }
}

/** Collects when bytes came, no finer than 50 ms. */
export class TimeIndex {
  #last: number
  #pending: { offset: number; at: number }[] = []

  constructor(last: number) {
    this.#last = last
  }

  note(offset: number, at: number): void {
    const ms = Math.max(0, Math.round(at))
    if (ms < this.#last + timeStep) return
    this.#last = ms
    this.#pending.push({ offset, at: ms })
  }

  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#pending.length * timeEntrySize)
    for (const [index, { offset, at }] of this.#pending.entries()) {
      bytes.writeBigUInt64LE(BigInt(offset), index * timeEntrySize)
      bytes.writeBigUInt64LE(BigInt(at), index * timeEntrySize + 8)
    }
    this.#pending = []
    return bytes
  }
}
