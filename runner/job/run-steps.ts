import { setTimeout as sleep } from 'node:timers/promises'
import type { Step } from '../../config/pipeline/pipeline.ts'
import type { Machine, StepCommand, StepExit } from '../machine/machine.ts'
import { firstStep } from './first-step.ts'
import type { UntimedJobEvent } from './job-event.ts'
import type { JobLife } from './job-life.ts'
import { judgeStep } from './judge-step.ts'
import { TimedOut } from './outcome.ts'
import { elapsedOf, type PastStep, pastStep } from './past.ts'
import { placedError } from './placed-error.ts'
import type { Timeline } from './timeline.ts'

const consoleDelayMs = 150

/** More bytes than any step prints. */
const allOutput = 2 ** 50

type StepStatus = Extract<UntimedJobEvent, { type: 'step-ended' }>['status']

/**
 * Runs the setup or the steps of a job one after the other until one says no.
 * Throws JobError for that, TimedOut for a step that took too long, InfraError for the machine's end.
 */
export async function runSteps(life: JobLife, machine: Machine, which: 'setup' | 'steps'): Promise<void> {
  const { job } = life.order
  const steps = which === 'setup' ? setupSteps(life) : job.steps
  const first = which === 'setup' ? 0 : firstStep(job)
  for (const [position, step] of steps.entries()) {
    if (life.past && pastStep(life.past, first + position)?.ended?.status === 'passed') continue
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
    ...(job.offlineSetup === true ? { offline: true } : {}),
  }))
}

type OneStep = { step: Step; index: number }

async function runStep(life: JobLife, machine: Machine, { step, index }: OneStep): Promise<void> {
  const { timeline, sampler, console, signal, past } = life
  const { name, run, shell, env, timeout } = step
  const before = past && pastStep(past, index)
  const begun = past === undefined || before === undefined ? 0 : elapsedOf(past) - before.at
  const started = performance.now() - begun
  if (!isInLog(before, timeline))
    await timeline.log(undefined, Buffer.from(`[mayfly] step ${index + 1}: ${name}\n`))
  sampler.during(index)
  console.begin()
  if (before === undefined) timeline.emit({ type: 'step-started', index, name, offset: timeline.logSize() })
  const end = async (status: StepStatus, exitCode?: number) => {
    sampler.during(undefined)
    if (before?.ended !== undefined) return
    await timeline.endLog(index)
    // What another process reads of the step's end is to be true of the log that it finds.
    await timeline.flushLog()
    const ms = Math.round(performance.now() - started)
    timeline.emit({ type: 'step-ended', index, name, status, exitCode, ms, offset: timeline.logSize() })
  }
  let exit: StepExit
  try {
    const onOutput = (chunk: Buffer) => timeline.log(index, chunk)
    const left = timeout === undefined ? undefined : Math.max(1, timeout - begun)
    const egress = { isOffline: step.offline === true, policy: life.order.egress }
    const command = { index, name, script: run, shell, env, timeout: left, egress, onOutput }
    exit = await endOfStep({ life, machine, command, before })
    if (exit.kind === 'timed-out') exit = { ...exit, timeout: timeout ?? exit.timeout }
  } catch (error) {
    await end(statusOf(signal))
    const output = timeline.outputTail(5)
    if (signal.reason instanceof TimedOut) {
      const where = `in step "${name}"`
      throw new TimedOut(signal.reason.message, { where, evidence: output })
    }
    signal.throwIfAborted()
    throw placedError(error, `in step "${name}"`, output)
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
  if (exit.kind === 'exited' && exit.code === 0) return
  // The last words of the console are read a moment after the step has ended.
  await sleep(consoleDelayMs)
  judgeStep({
    ...{ exit, name, machine },
    found: console.found(),
    output: timeline.outputTail(5),
    busy: sampler.busy(),
  })
}

type EndOfStep = { life: JobLife; machine: Machine; command: StepCommand; before: PastStep | undefined }

/** Of a step that had ended only how it did is asked for. */
function endOfStep({ life, machine, command, before }: EndOfStep): Promise<StepExit> {
  const { signal, heard } = life
  if (before?.ended === undefined)
    return machine.runStep(before === undefined ? command : { ...command, heard }, signal)
  if (before.ended.status === 'timed-out')
    return Promise.resolve({ kind: 'timed-out', timeout: command.timeout ?? 0, answers: true })
  const onOutput = () => undefined
  return machine.runStep({ ...command, timeout: undefined, heard: allOutput, onOutput }, signal)
}

function isInLog(before: PastStep | undefined, timeline: Timeline): boolean {
  return before !== undefined && before.start <= timeline.logSize()
}

function statusOf(signal: AbortSignal): StepStatus {
  if (!signal.aborted) return 'errored'
  return signal.reason instanceof TimedOut ? 'timed-out' : 'cancelled'
}
