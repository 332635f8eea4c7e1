import { cleanText } from './clean-text.ts'

export type LineReader = {
  push(chunk: Buffer): void
  /** The cleaned beginning of the line that has no end yet, such as a prompt. */
  pending(): string
  /** Hands over the last line if it had no line break. */
  end(): void
}

const newline = 10

/**
 * Splits bytes into lines and hands each over cleaned, without its line break. A line longer than `maxLine` bytes
 * comes in pieces of that length, so that output without any line break costs no memory.
 * @param maxLine bytes, @defaultValue 8 KiB
 */
export function createLineReader({
  maxLine = 8192,
  onLine,
}: {
  maxLine?: number
  onLine: (line: string) => void
}): LineReader {
  let rest: Buffer = Buffer.alloc(0)

  const emit = (bytes: Buffer): void => {
    for (const line of cleanText(bytes).split('\n')) onLine(line)
  }

  return {
    push(chunk) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      let from = 0
      for (;;) {
        const end = bytes.indexOf(newline, from)
        const stop = end === -1 ? bytes.length : end
        while (stop - from > maxLine) {
          const cut = characterBorder(bytes, from, from + maxLine)
          emit(bytes.subarray(from, cut))
          from = cut
        }
        if (end === -1) break
        emit(bytes.subarray(from, end))
        from = end + 1
      }
      rest = Buffer.from(bytes.subarray(from))
    },
    pending: () => cleanText(rest),
    end() {
      if (rest.length > 0) emit(rest)
      rest = Buffer.alloc(0)
    },
  }
}

/** Moves a cut back by up to 3 bytes, so that no UTF-8 character is cut in two. */
function characterBorder(bytes: Buffer, from: number, cut: number): number {
  for (let at = cut; at > cut - 4 && at > from; at--) {
    if (((bytes[at] as number) & 0xc0) !== 0x80) return at
  }
  return cut
}
