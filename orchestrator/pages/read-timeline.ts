import type { AttemptFiles } from '../../runner/job/attempt-files.ts'
import { timelineName } from '../../runner/job/filenames.ts'
import type { JobEvent } from '../../runner/job/job-event.ts'
import { createRecord, type JobRecord, recordEvent, type StepRecord } from '../../runner/job/job-record.ts'

/** A part of a job's life, in milliseconds since it began; one that is not over has no end. */
export type Span = { readonly name: string; readonly from: number; to: number | undefined }
export type Finding = Extract<JobEvent, { type: 'finding' }>
export type Sample = Extract<JobEvent, { type: 'sample' }>

export type JobTimeline = {
  readonly phases: JobRecord['phases']
  readonly steps: readonly StepRecord[]
  readonly artifacts: JobRecord['artifacts']
  readonly image: JobRecord['image']
  readonly egress: JobRecord['egress']
  readonly learned: JobRecord['learned']
  readonly machine: JobRecord['machine']
  readonly use: JobRecord['use']
  readonly evidence: JobRecord['evidence']
  readonly phaseSpans: readonly Span[]
  /** By the index of the step. */
  readonly stepSpans: ReadonlyMap<number, Span>
  readonly gates: readonly { readonly name: string; readonly at: number }[]
  readonly findings: readonly Finding[]
  readonly samples: readonly Sample[]
  /** Of the last event. */
  readonly end: number
}

const context = { jobId: '', buildId: '', repo: '', ref: '', sha: '', event: '' }

/** A job's timeline as it stands, whether it still runs or not; empty for one that has not begun. */
export async function readTimeline(files: AttemptFiles): Promise<JobTimeline> {
  const isThere = await files.isThere(timelineName)
  const text = isThere ? (await files.read(timelineName, { start: 0 })).toString() : ''
  let reading = begin()
  for (const line of text.split('\n')) {
    const event = parseEvent(line)
    if (event === undefined) continue
    // A job that was put back begins anew, in the same folder.
    if (event.type === 'phase-started' && event.phase === 'image') reading = begin()
    take(reading, event)
  }
  const { record, ...drawn } = reading
  const { phases, steps, artifacts, image, egress, learned, machine, use, evidence } = record
  // Verdicts had none before they were made to.
  return {
    phases,
    steps,
    artifacts,
    image,
    egress,
    learned,
    machine,
    use,
    evidence: evidence ?? [],
    ...drawn,
  }
}

type Reading = ReturnType<typeof begin>

function begin() {
  return {
    record: createRecord('', context),
    phaseSpans: [] as Span[],
    stepSpans: new Map<number, Span>(),
    gates: [] as { name: string; at: number }[],
    findings: [] as Finding[],
    samples: [] as Sample[],
    end: 0,
  }
}

function take(reading: Reading, event: JobEvent): void {
  const { record, phaseSpans, stepSpans, gates, findings, samples } = reading
  recordEvent(record, event)
  const { at } = event
  reading.end = Math.max(reading.end, at)
  switch (event.type) {
    case 'phase-started':
      phaseSpans.push({ name: event.phase, from: at, to: undefined })
      break
    case 'phase-ended': {
      const span = phaseSpans.findLast(({ name, to }) => name === event.phase && to === undefined)
      if (span !== undefined) span.to = at
      break
    }
    case 'step-started':
      stepSpans.set(event.index, { name: event.name, from: at, to: undefined })
      break
    case 'step-ended': {
      const span = stepSpans.get(event.index)
      if (span !== undefined) span.to = at
      break
    }
    case 'gate':
      gates.push({ name: event.name, at })
      break
    case 'finding':
      findings.push(event)
      break
    case 'sample':
      samples.push(event)
      break
    default:
  }
}

// The last line of a job that runs may be half written.
function parseEvent(line: string): JobEvent | undefined {
  try {
    return line === '' ? undefined : (JSON.parse(line) as JobEvent)
  } catch {
    return undefined
  }
}
