/** One row of the table. */
export type Figure = {
  readonly what: string
  readonly unit: string
  readonly min: number
  readonly median: number
  readonly max: number
  readonly runs: number
  /** What the design asks for. */
  readonly target: string
}

type Samples = { what: string; unit: string; target: string; samples: readonly number[] }

export function figure({ what, unit, target, samples }: Samples): Figure {
  const sorted = [...samples].sort((a, b) => a - b)
  const middle = (sorted.length - 1) / 2
  const median = ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
  return {
    what,
    unit,
    target,
    median,
    min: sorted[0] ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    runs: sorted.length,
  }
}
