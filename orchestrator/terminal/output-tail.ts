/** The last bytes of an output, by their offsets since its beginning. */
export type OutputTail = {
  /** Of the first byte that is still here. */
  readonly start: number
  /** After the last byte. */
  readonly end: number
  push(chunk: Buffer): void
  /** At most so many bytes from an offset on, which is not before `start`; empty at the end. A copy. */
  read(from: number, most: number): Buffer
}

/** @param keep bytes; older ones are forgotten */
export function createOutputTail(keep: number): OutputTail {
  // The byte of offset `n` lies at `n % keep`.
  const ring = Buffer.alloc(keep)
  let end = 0
  return {
    get start() {
      return Math.max(0, end - keep)
    },
    get end() {
      return end
    },
    push(chunk) {
      const kept = chunk.subarray(Math.max(0, chunk.length - keep))
      const at = (end + chunk.length - kept.length) % keep
      const fits = kept.copy(ring, at)
      kept.copy(ring, 0, fits)
      end += chunk.length
    },
    read(from, most) {
      const length = Math.min(most, end - from)
      if (length <= 0) return Buffer.alloc(0)
      const at = from % keep
      return Buffer.concat([
        ring.subarray(at, at + length),
        ring.subarray(0, Math.max(0, at + length - keep)),
      ])
    },
  }
}
