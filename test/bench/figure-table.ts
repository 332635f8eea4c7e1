import { formatTable } from '../../orchestrator/command/view/format-table.ts'
import type { Figure } from './figure.ts'

/** The figures as people read them; a target that was missed says so. */
export function figureTable(figures: readonly Figure[]): string {
  const rows = figures.map(({ what, unit, min, median, max, runs, target, met, load }) => [
    what,
    `${round(median)} ${unit}`,
    `${round(min)}-${round(max)}`,
    String(runs),
    round(load),
    target,
    met === undefined ? '' : met ? 'met' : 'MISSED',
  ])
  return formatTable(['WHAT', 'MEDIAN', 'RANGE', 'RUNS', 'LOAD', 'TARGET', ''], rows)
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
