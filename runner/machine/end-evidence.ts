import type { ConsoleFinding } from '../logs/console-watch.ts'
import { linesAround } from '../logs/lines-around.ts'
import type { Console, MachineEnd } from './machine.ts'

type EndEvidence = {
  readonly end: MachineEnd
  readonly findings: readonly ConsoleFinding[]
  readonly console: Pick<Console, 'tail'>
}

/** The lines of the console that show how a machine ended; none where it had no say in it. */
export function endEvidence({ end, findings, console }: EndEvidence): string[] {
  if (end.kind === 'powered-off') return console.tail(5).filter((line) => line.trim() !== '')
  if (end.kind !== 'guest-panic' && end.kind !== 'guest-oom') return []
  const kinds = end.kind === 'guest-oom' ? ['guest-oom'] : ['guest-panic', 'root-not-found']
  const finding = findings.find(({ kind }) => kinds.includes(kind))
  return finding === undefined ? console.tail(5) : linesAround(console.tail(200), finding.line)
}
