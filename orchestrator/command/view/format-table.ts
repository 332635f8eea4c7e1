import { oneLine } from './one-line.ts'

/** Columns as wide as their widest cell, the last one as it is; ends with a newline. Cells may hold anything. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows].map((row) => row.map(oneLine))
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
  return all.map((row) => `${line(row).trimEnd()}\n`).join('')
}
