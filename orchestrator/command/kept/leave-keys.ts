const [carriageReturn, lineFeed, tilde, dot] = [13, 10, 126, 46]

type Typed = {
  /** What is for the machine. */
  readonly bytes: Buffer
  readonly leaves: boolean
}

/**
 * Finds `~.` at the beginning of a line, with which `ssh` is left too: in a machine that answers no more, Ctrl-C is only
 * one more key. A tilde is held back until it is known what follows; `~~` is one.
 */
export function createLeaveKeys(): { push(typed: Buffer): Typed } {
  let state: 'line' | 'tilde' | 'text' = 'line'
  return {
    push(typed) {
      const bytes: number[] = []
      for (const key of typed) {
        if (state === 'tilde' && key === dot) return { bytes: Buffer.from(bytes), leaves: true }
        if (state === 'line' && key === tilde) {
          state = 'tilde'
          continue
        }
        if (state === 'tilde' && key !== tilde) bytes.push(tilde)
        bytes.push(key)
        state = key === carriageReturn || key === lineFeed ? 'line' : 'text'
      }
      return { bytes: Buffer.from(bytes), leaves: false }
    },
  }
}
