import type { Logger } from 'pino'
import { pino } from 'pino'

/** A logger that keeps its lines. */
export function keptLog(): { log: Logger; lines: () => string } {
  const lines: string[] = []
  return { log: pino({ level: 'debug' }, { write: (line) => lines.push(line) }), lines: () => lines.join('') }
}
