import type { ConsoleFinding } from '../logs/console-watch.ts'
import { linesAround } from '../logs/lines-around.ts'
import type { Console, MachineEnd } from './machine.ts'

type EndEvidence = {
  readonly end: MachineEnd
  readonly findings: readonly ConsoleFinding[]
  readonly console: Pick<Console, 'tail'>
  /** Processes that this host killed for want of memory while the machine ran. */
  readonly memoryKills: number
}

/** The lines that show how a machine ended: of its console, or where it had no say in it, of this host. */
export function endEvidence({ end, findings, console, memoryKills }: EndEvidence): string[] {
  if (end.kind === 'powered-off') return console.tail(5).filter((line) => line.trim() !== '')
  if (end.kind === 'killed' && memoryKills > 0)
    return [`this host ran out of memory meanwhile: its kernel killed ${memoryKills} of its processes`]
  if (end.kind !== 'guest-panic' && end.kind !== 'guest-oom') return []
  const kinds = end.kind === 'guest-oom' ? ['guest-oom'] : ['guest-panic', 'root-not-found']
  const finding = findings.find(({ kind }) => kinds.includes(kind))
  return finding === undefined ? console.tail(5) : linesAround(console.tail(200), finding.line)
}
