import { formatDuration } from '../../config/duration.ts'
import { InfraError, JobError } from '../../config/errors.ts'
import type { ConsoleFinding } from '../logs/console-watch.ts'
import { linesAround } from '../logs/lines-around.ts'
import type { Machine, StepExit } from '../machine/machine.ts'
import { TimedOut } from './outcome.ts'

type JudgeStep = {
  readonly exit: StepExit
  readonly name: string
  readonly machine: Pick<Machine, 'console' | 'facts'>
  /** What the console said while it ran. */
  readonly found: readonly ConsoleFinding[]
  /** Its last lines, masked. */
  readonly output: readonly string[]
  /** Processors that the machine kept busy lately; undefined where that is not known. */
  readonly busy: number | undefined
}

const moreMemory = 'give the job more memory: resources: { memory: 4GiB }'
const shownOutput = 5

/** Gives back for a step that passed; else throws JobError, TimedOut, or InfraError, with the lines that show it. */
export function judgeStep(step: JudgeStep): void {
  const { exit, name } = step
  if (exit.kind === 'exited' && exit.code === 0) return
  if (exit.kind === 'timed-out') {
    throw new TimedOut(
      `step "${name}" did not end within its ${formatDuration(exit.timeout)}${state(step)}`,
      {
        evidence: shown(step),
      },
    )
  }
  const oom = step.found.find(({ kind }) => kind === 'guest-oom')
  if (exit.kind === 'killed') {
    throw new InfraError(
      oom === undefined ? 'machine-died' : 'guest-oom',
      `the shell of step "${name}" was killed inside the machine${oom === undefined ? '' : ', which had run out of memory'}`,
      {
        hint: oom === undefined ? 'a step must not kill processes that are not its own' : moreMemory,
        evidence: shown(step, oom),
      },
    )
  }
  const ended = `ended with exit code ${exit.code}${signalName(exit.code)}`
  if (oom !== undefined) {
    const killed = /Kill(?:ed)? process (\d+) \(([^)]*)\)/.exec(oom.line)
    const whom = killed === null ? 'a process' : `process ${killed[1]} (${killed[2]})`
    throw new InfraError(
      'guest-oom',
      `in step "${name}", the guest ran out of memory and killed ${whom}; the step ${ended}`,
      { hint: moreMemory, evidence: shown(step, oom) },
    )
  }
  throw new JobError(`step "${name}" ${ended}${exit.diskFull ? ", and the machine's disk is full" : ''}`, {
    step: name,
    exitCode: exit.code,
    hint: exit.diskFull
      ? "the machine's disk is full: ask for more in `resources: { disk: 20GiB }`"
      : 'the last lines of its output say why',
    evidence: shown(step),
  })
}

/** What the console said, and otherwise what the step itself said last. */
function shown({ machine, found, output }: JudgeStep, finding = found.at(-1)): string[] {
  if (finding === undefined) return output.slice(-shownOutput)
  return linesAround(machine.console.tail(200), finding.line)
}

/** Processors, of which an emulated guest that only waits takes a tenth, and being told to stop a few more. */
const idle = 0.5

/** What a machine did in which a step hung, seen from outside. */
function state({ exit, busy, machine: { facts } }: JudgeStep): string {
  const silent = exit.kind === 'timed-out' && !exit.answers
  const doing =
    busy === undefined
      ? undefined
      : `${busy < idle ? 'sat idle' : 'was computing'} (${busy.toFixed(2)} of ${facts.cpus} cpus)`
  if (silent) return `, and the machine answers no more${doing === undefined ? '' : `: it ${doing}`}`
  return doing === undefined ? '' : `: the machine ${doing}`
}

/** Shells report a command that a signal ended as 128 and its number. */
const signals: Readonly<Record<number, string>> = {
  129: 'HUP',
  130: 'INT',
  132: 'ILL',
  134: 'ABRT',
  135: 'BUS',
  136: 'FPE',
  137: 'KILL',
  139: 'SEGV',
  141: 'PIPE',
  143: 'TERM',
}

function signalName(code: number): string {
  const name = signals[code]
  return name === undefined ? '' : ` (signal ${name})`
}
