import { setTimeout as sleep } from 'node:timers/promises'
import type { Step } from '../../config/pipeline/pipeline.ts'
import type { Machine, StepExit } from '../machine/machine.ts'
import type { UntimedJobEvent } from './job-event.ts'
import type { JobLife } from './job-life.ts'
import { judgeStep } from './judge-step.ts'
import { TimedOut } from './outcome.ts'
import { placedError } from './placed-error.ts'

const consoleDelayMs = 150

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
  const { timeline, sampler, console, signal } = life
  const { name, run, shell, env, timeout } = step
  const started = performance.now()
  await timeline.log(undefined, Buffer.from(`[mayfly] step ${index + 1}: ${name}\n`))
  sampler.during(index)
  console.begin()
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

function statusOf(signal: AbortSignal): StepStatus {
  if (!signal.aborted) return 'errored'
  return signal.reason instanceof TimedOut ? 'timed-out' : 'cancelled'
}
