import type { Machine } from '../machine/machine.ts'
import { firstStep } from './first-step.ts'
import type { JobLife } from './job-life.ts'
import { elapsedOf, hadVerdict, type Past, pastStep } from './past.ts'

/**
 * Takes up the machine of a job that another process began. Undefined where the job had its verdict, which stands
 * whatever has become of the machine. Throws InfraError `host-lost` where it cannot be had any more.
 */
export async function adoptJobMachine(life: JobLife): Promise<Machine | undefined> {
  const { past, timeline, sampler, console, order, signal } = life
  if (past === undefined || order.resumed === undefined) throw new Error('expected a job that had begun')
  const hooks = {
    signal,
    rewind: past.note.console.held,
    egress: past.egress,
    onNote: (message: string) => timeline.emit({ type: 'note', message }),
    onConsole: (chunk: Buffer) => {
      timeline.console(chunk)
      console.push(chunk)
    },
  }
  try {
    const machine = await order.resumed.adopt(hooks)
    // What it took while nobody looked is of the step that ran.
    sampler.during(runningStep(past))
    sampler.adopt(machine)
    order.outlive?.onOutlives?.()
    timeline.emit({ type: 'note', message: 'taken up: the process that ran this job is gone' })
    return machine
  } catch (error) {
    if (hadVerdict(past)) return undefined
    endSteps(life, past)
    throw error
  }
}

function runningStep(past: Past): number | undefined {
  const started = past.events.findLast((event) => event.type === 'step-started')
  return started !== undefined && pastStep(past, started.index)?.ended === undefined
    ? started.index
    : undefined
}

/** The step that ran is over with its machine, and those after it never begin. */
function endSteps({ order: { job }, timeline }: JobLife, past: Past): void {
  const offset = timeline.logSize()
  for (const [position, { name }] of job.steps.entries()) {
    const index = firstStep(job) + position
    const step = pastStep(past, index)
    const ms = Math.round(elapsedOf(past) - (step?.at ?? 0))
    if (step === undefined) timeline.emit({ type: 'step-skipped', index, name })
    else if (step.ended === undefined)
      timeline.emit({ type: 'step-ended', index, name, status: 'errored', exitCode: undefined, ms, offset })
  }
}
