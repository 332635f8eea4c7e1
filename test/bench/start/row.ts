import { crowds, type StartFigures, type What, whats } from './contender.ts'

/** One figure of one way to start, over all its samples. */
export type Row = {
  readonly what: What
  readonly at_once: number
  readonly figure: FigureName
  readonly unit: 's' | 'MiB'
  readonly median: number
  readonly min: number
  readonly max: number
  readonly n: number
}

/** In the order of the tables. */
export const figureNames = ['running', 'ssh', 'first_byte', 'rss', 'pss', 'private'] as const
export type FigureName = (typeof figureNames)[number]

/** What one machine's start gave. */
export type Sample = { readonly what: What; readonly atOnce: number; readonly figures: StartFigures }

/** A row for each figure that has samples, in the order of the tables. */
export function rowsOf(samples: readonly Sample[]): Row[] {
  return whats.flatMap((what) =>
    crowds.flatMap((atOnce) => {
      const same = samples.filter((sample) => sample.what === what && sample.atOnce === atOnce)
      return figureNames.flatMap((figure) => {
        const unit = unitOf(figure)
        const values = same
          .flatMap(({ figures }) => figures[figure] ?? [])
          .map((value) => (unit === 'MiB' ? value / 2 ** 20 : value))
          .sort((a, b) => a - b)
        const [min, max] = [values[0], values.at(-1)]
        if (min === undefined || max === undefined) return []
        return [{ what, at_once: atOnce, figure, unit, median: medianOf(values), min, max, n: values.length }]
      })
    }),
  )
}

function unitOf(figure: FigureName): Row['unit'] {
  return figure === 'rss' || figure === 'pss' || figure === 'private' ? 'MiB' : 's'
}

function medianOf(sorted: readonly number[]): number {
  const middle = (sorted.length - 1) / 2
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2
}
