import { buildAutomaton, step } from './mask-automaton.ts'
import { maskNeedles } from './mask-needles.ts'

export type Masker = {
  /** Takes the next bytes, gives those that are settled. What it gives may share memory with `chunk`. */
  push(chunk: Buffer): Buffer
  /** Bytes that are held back; undefined where those before them were masked in part, and more of it may come. */
  held(): number | undefined
  /** Gives what was held back. The masker is at its start again. */
  end(): Buffer
}

/** Absolute offsets in the stream; `printed` once its stars are out. */
type Interval = { start: number; end: number; printed: boolean }

const stars = Buffer.from('***')

/**
 * Replaces secret values in a byte stream with `***`, wherever the chunks' borders fall.
 *
 * Every byte that belongs to any occurrence of any secret is masked; occurrences that overlap become one `***`.
 * What counts as an occurrence is in `maskNeedles`. Held back is only the longest end of the stream that could
 * be the beginning of a secret, so a stream's delay is less than the longest secret's length.
 * A secret that itself contains stars can come about by masking; nothing is learned from it.
 */
export function createMasker(secrets: readonly string[]): Masker {
  const needles = maskNeedles(secrets)
  if (needles.length === 0) return { push: (chunk) => chunk, held: () => 0, end: () => Buffer.alloc(0) }
  const automaton = buildAutomaton(needles)
  let state = 0
  let position = 0
  let held: Buffer = Buffer.alloc(0)
  let intervals: Interval[] = []

  /** Everything before `safe` is final: a later match starts at or after it. */
  const release = (window: Buffer, windowStart: number, safe: number): Buffer => {
    if (intervals.length === 0) return window.subarray(0, safe - windowStart)
    const pieces: Buffer[] = []
    let from = windowStart
    for (const interval of intervals) {
      if (interval.start >= safe) break
      if (interval.start > from)
        pieces.push(window.subarray(from - windowStart, interval.start - windowStart))
      if (!interval.printed) pieces.push(stars)
      interval.printed = true
      from = Math.max(from, interval.end)
    }
    if (from < safe) pieces.push(window.subarray(from - windowStart, safe - windowStart))
    intervals = intervals.filter((interval) => interval.end > safe)
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces)
  }

  return {
    push(chunk) {
      const windowStart = position - held.length
      const { dense, denseCount, matchLength, depth } = automaton
      let at = state
      for (let i = 0; i < chunk.length; i++) {
        const byte = chunk[i] as number
        at = at < denseCount ? (dense[(at << 8) | byte] as number) : step(automaton, at, byte)
        const length = matchLength[at] as number
        if (length !== 0) addInterval(intervals, position + i + 1 - length, position + i + 1)
      }
      state = at
      position += chunk.length
      const window = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      const safe = position - (depth[state] as number)
      const released = release(window, windowStart, safe)
      held = Buffer.from(window.subarray(safe - windowStart))
      return released
    },
    held: () => (intervals.length === 0 ? held.length : undefined),
    end() {
      const released = release(held, position - held.length, position)
      state = 0
      held = Buffer.alloc(0)
      intervals = []
      return released
    },
  }
}

/** Matches come in the order of their ends, so a new one can only swallow the last few. */
function addInterval(intervals: Interval[], start: number, end: number): void {
  let merged: Interval = { start, end, printed: false }
  let last = intervals.at(-1)
  while (last !== undefined && last.end > merged.start) {
    merged = { start: Math.min(last.start, merged.start), end, printed: last.printed || merged.printed }
    intervals.pop()
    last = intervals.at(-1)
  }
  intervals.push(merged)
}
