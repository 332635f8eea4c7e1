import { formatTable } from '../../../orchestrator/command/view/format-table.ts'
import { formatValue } from './format-value.ts'
import type { Row } from './row.ts'

/** The rows as people read them in a terminal. */
export function startTable(rows: readonly Row[]): string {
  const shown = rows.map(({ what, at_once, figure, unit, median, min, max, n }) => [
    what,
    String(at_once),
    figure,
    `${formatValue(median, unit)} ${unit}`,
    `${formatValue(min, unit)}-${formatValue(max, unit)}`,
    String(n),
  ])
  return formatTable(['START', 'AT ONCE', 'FIGURE', 'MEDIAN', 'RANGE', 'N'], shown)
}
