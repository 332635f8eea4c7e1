import { formatDuration } from '../../config/duration.ts'
import { InfraError, JobError } from '../../config/errors.ts'
import type { Step } from '../../config/pipeline/pipeline.ts'
import type { Machine, StepExit } from '../machine/machine.ts'
import type { UntimedJobEvent } from './job-event.ts'
import type { JobLife } from './job-life.ts'
import { TimedOut } from './outcome.ts'

type StepStatus = Extract<UntimedJobEvent, { type: 'step-ended' }>['status']

/**
 * Runs the setup or the steps of a job one after the other until one says no.
 * Throws JobError for that, TimedOut for a step that took too long, InfraError for the machine's end.
 */
export async function runSteps(life: JobLife, machine: Machine, which: 'setup' | 'steps'): Promise<void> {
  const { job } = life.order
  const steps = which === 'setup' ? setupSteps(life) : job.steps
  const first = which === 'setup' || job.setup.length === 0 ? 0 : job.setup.length
  for (const [position, step] of steps.entries()) {
    try {
      await runStep(life, machine, { step, index: first + position })
    } catch (error) {
      for (const [later, { name }] of steps.slice(position + 1).entries()) {
        life.timeline.emit({ type: 'step-skipped', index: first + position + 1 + later, name })
      }
      throw error
    }
  }
}

function setupSteps({ order: { job } }: JobLife): Step[] {
  const name = (number: number) => (job.setup.length === 1 ? 'setup' : `setup ${number}`)
  return job.setup.map((run, position) => ({
    name: name(position + 1),
    run,
    timeout: undefined,
    shell: job.shell,
    env: {},
  }))
}

type OneStep = { step: Step; index: number }

async function runStep(life: JobLife, machine: Machine, { step, index }: OneStep): Promise<void> {
  const { timeline, sampler, signal } = life
  const { name, run, shell, env, timeout } = step
  const started = performance.now()
  await timeline.log(undefined, Buffer.from(`[mayfly] step ${index + 1}: ${name}\n`))
  sampler.during(index)
  timeline.emit({ type: 'step-started', index, name, offset: timeline.logSize() })
  const end = async (status: StepStatus, exitCode?: number) => {
    sampler.during(undefined)
    await timeline.endLog(index)
    const ms = Math.round(performance.now() - started)
    timeline.emit({ type: 'step-ended', index, name, status, exitCode, ms, offset: timeline.logSize() })
  }
  let exit: StepExit
  try {
    const onOutput = (chunk: Buffer) => timeline.log(index, chunk)
    exit = await machine.runStep({ index, name, script: run, shell, env, timeout, onOutput }, signal)
  } catch (error) {
    await end(statusOf(signal))
    signal.throwIfAborted()
    throw duringStep(error, name)
  }
  await end(
    exit.kind === 'exited'
      ? exit.code === 0
        ? 'passed'
        : 'failed'
      : exit.kind === 'killed'
        ? 'errored'
        : exit.kind,
    exit.kind === 'exited' ? exit.code : undefined,
  )
  judge(exit, step, machine)
}

function statusOf(signal: AbortSignal): StepStatus {
  if (!signal.aborted) return 'errored'
  return signal.reason instanceof TimedOut ? 'timed-out' : 'cancelled'
}

function duringStep(error: unknown, step: string): unknown {
  if (!(error instanceof InfraError)) return error
  return new InfraError(error.class, `${error.message} (during step "${step}")`, {
    hint: error.hint,
    cause: error,
  })
}

function judge(exit: StepExit, step: Step, machine: Machine): void {
  if (exit.kind === 'timed-out') {
    throw new TimedOut(`step "${step.name}" did not end within its ${formatDuration(exit.timeout)}`)
  }
  if (exit.kind === 'killed') {
    const oom = machine.console.tail(200).some((line) => line.includes('Out of memory'))
    throw new InfraError(
      oom ? 'guest-oom' : 'machine-died',
      `the shell of step "${step.name}" was killed inside the machine${oom ? ', which had run out of memory' : ''}`,
      {
        hint: oom
          ? 'give the job more memory: resources: { memory: 4GiB }'
          : 'a step must not kill processes that are not its own',
      },
    )
  }
  if (exit.code === 0) return
  throw new JobError(`step "${step.name}" ended with exit code ${exit.code}${signalName(exit.code)}`, {
    step: step.name,
    exitCode: exit.code,
    hint: exit.diskFull
      ? "the machine's disk is full: ask for more in `resources: { disk: 20GiB }`"
      : 'the last lines of its output say why',
  })
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
