import type { Row } from './row.ts'

/** With as many digits as a figure is worth: three for times below 10 s, whole MiB. */
export function formatValue(value: number, unit: Row['unit']): string {
  return value.toFixed(unit === 'MiB' ? 0 : value < 10 ? 2 : 1)
}
