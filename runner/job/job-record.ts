import type { FailureClass } from '../../config/errors.ts'
import type { ImageProvenance } from '../../images/image.ts'
import type { EgressRecord } from '../egress/egress-record.ts'
import type { MachineFacts } from '../machine/machine.ts'
import type { JobContext } from './job-environment.ts'
import type { JobEvent } from './job-event.ts'
import { addUse, type ResourceUse, useSince } from './resource-use.ts'
import type { Phase, Verdict } from './verdict.ts'

/** What is kept of a job beside its logs. Times in milliseconds, dates in ISO 8601. */
export type JobRecord = {
  readonly id: string
  readonly name: string
  readonly context: JobContext
  readonly started: string
  ended: string | undefined
  verdict: Verdict | undefined
  failure: FailureClass | undefined
  reason: string | undefined
  hint: string | undefined
  /** The lines that show it. */
  evidence: readonly string[]
  /** Where its image came from; undefined where it had none yet. */
  image: ImageProvenance | undefined
  machine: MachineFacts | undefined
  readonly phases: { phase: Phase; ms: number }[]
  readonly steps: StepRecord[]
  readonly artifacts: { path: string; bytes: number }[]
  egress: readonly EgressRecord[]
  /** The allow-list that it would have needed, where a policy is in audit mode. */
  learned: readonly string[] | undefined
  /** What it took of the host; undefined where nothing is known. */
  use: ResourceUse | undefined
}

export type StepRecord = {
  readonly index: number
  readonly name: string
  status: 'running' | 'passed' | 'failed' | 'timed-out' | 'errored' | 'cancelled' | 'skipped'
  exitCode: number | undefined
  ms: number
  /** Where its output lies in the log, bytes. */
  readonly start: number
  end: number
  /** What it took of the host; undefined where nothing is known. */
  use?: ResourceUse
}

/** The record of a job that just began, or did so at `started`, ISO 8601. */
export function createRecord(
  name: string,
  context: JobContext,
  started = new Date().toISOString(),
): JobRecord {
  return {
    id: context.jobId,
    name,
    context,
    started,
    ended: undefined,
    verdict: undefined,
    failure: undefined,
    reason: undefined,
    hint: undefined,
    evidence: [],
    image: undefined,
    machine: undefined,
    phases: [],
    steps: [],
    artifacts: [],
    egress: [],
    learned: undefined,
    use: undefined,
  }
}

/** Takes one event of the timeline into the record. */
export function recordEvent(record: JobRecord, event: JobEvent): void {
  switch (event.type) {
    case 'image':
      record.image = event.image
      break
    case 'machine':
      record.machine = event.facts
      break
    case 'phase-started':
      // Artifacts may be fetched once more, by another process.
      if (event.phase === 'collect') record.artifacts.length = 0
      break
    case 'phase-ended':
      record.phases.push({ phase: event.phase, ms: event.ms })
      break
    case 'step-started': {
      const { index, name, offset } = event
      forgetStep(record, index)
      record.steps.push({
        index,
        name,
        status: 'running',
        exitCode: undefined,
        ms: 0,
        start: offset,
        end: offset,
      })
      break
    }
    case 'step-ended': {
      const step = record.steps.find(({ index }) => index === event.index)
      if (step === undefined) break
      step.status = event.status
      step.exitCode = event.exitCode
      step.ms = event.ms
      step.end = event.offset
      break
    }
    case 'step-skipped': {
      const { index, name } = event
      forgetStep(record, index)
      record.steps.push({ index, name, status: 'skipped', exitCode: undefined, ms: 0, start: 0, end: 0 })
      break
    }
    case 'sample':
      recordSample(record, event)
      break
    case 'artifact':
      record.artifacts.push({ path: event.path, bytes: event.bytes })
      break
    case 'egress':
      record.egress = event.records
      record.learned = event.learned
      break
    case 'verdict':
      record.verdict = event.verdict
      record.failure = event.failure
      record.reason = event.reason
      record.hint = event.hint
      record.evidence = event.evidence
      break
    default:
  }
}

type Sample = Extract<JobEvent, { type: 'sample' }>

function recordSample(record: JobRecord, { step: index, type: _, at: __, ...use }: Sample): void {
  const step = record.steps.find((one) => one.index === index)
  if (step !== undefined) step.use = addUse(step.use, useSince(record.use, use))
  record.use = { ...use, memory: Math.max(use.memory, record.use?.memory ?? 0) }
}

/** A setup may run once more, in another machine. */
function forgetStep({ steps }: JobRecord, index: number): void {
  const before = steps.findIndex((step) => step.index === index)
  if (before !== -1) steps.splice(before, 1)
}
