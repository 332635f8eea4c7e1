import { loadavg } from 'node:os'

/** One row of the table. */
export type Figure = {
  readonly what: string
  readonly unit: string
  readonly min: number
  readonly median: number
  readonly max: number
  readonly runs: number
  /** What the design asks for, in words; empty where it asks for nothing. */
  readonly target: string
  /** Whether the median is as good as the target; undefined without one. */
  readonly met: boolean | undefined
  /** The host's load average of the last minute when it was taken: others' work is in the figure. */
  readonly load: number
}

/** A bound on the median; the text says more where it has to. */
export type Target = { readonly atMost: number; text?: string } | { readonly atLeast: number; text?: string }

type Samples = { what: string; unit: string; target?: Target; samples: readonly number[] }

export function figure({ what, unit, target, samples }: Samples): Figure {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
  return {
    what,
    unit,
    target: target === undefined ? '' : targetText(target, unit),
    met: target && isMet(target, median),
    median,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    runs: sorted.length,
    load: loadavg()[0] ?? Number.NaN,
  }
}

function targetText(target: Target, unit: string): string {
  const bound = 'atMost' in target ? `<= ${target.atMost}` : `>= ${target.atLeast}`
  return `${bound} ${unit}${target.text === undefined ? '' : ` ${target.text}`}`
}

// Written so that a median that is no number meets nothing.
function isMet(target: Target, median: number): boolean {
  return 'atMost' in target ? median <= target.atMost : median >= target.atLeast
}
