import type { JobEvent } from '../../runner/job/job-event.ts'
import type { Build, BuildJob } from '../model/build.ts'
import { buildAttributes, results } from './build-attributes.ts'
import type { Span, Trace } from './span.ts'
import { spanId, type TracePlace } from './trace-of-build.ts'

type JobTrace = {
  readonly build: Build
  readonly job: BuildJob
  readonly place: TracePlace
  /** The job's whole timeline, in order. */
  readonly events: readonly JobEvent[]
  /** When the job was claimed, which the times of the events count from, ms since 1970. */
  readonly claimed: number
  readonly hostName: string
  readonly url: string
}

/** The span of one attempt at a job, from being queued to its end, with one for its wait, each phase and each step. */
export function jobTrace(trace: JobTrace): Trace {
  const { build, job, place, events, claimed, hostName, url } = trace
  const own = `${job.id}-${job.attempt}`
  const at = (event: JobEvent) => claimed + event.at
  const verdict = events.findLast((event) => event.type === 'verdict')
  const whole: Span = {
    name: job.name,
    ...{ id: spanId(own), parent: place.build },
    start: job.queued === undefined ? claimed : Math.min(claimed, Date.parse(job.queued)),
    end: Math.max(claimed, ...events.map(at)),
    attributes: {
      ...buildAttributes(build),
      'cicd.pipeline.task.name': job.name,
      'cicd.pipeline.task.run.id': own,
      'cicd.pipeline.task.run.url.full': url,
      'cicd.worker.name': hostName,
      'mayfly.job': job.id,
      'mayfly.attempt': job.attempt,
      ...machineAttributes(events),
      ...(verdict === undefined ? {} : { 'cicd.pipeline.task.run.result': results[verdict.verdict] }),
      ...(verdict?.failure === undefined ? {} : { 'error.type': verdict.failure }),
    },
    failed:
      verdict === undefined || verdict.verdict === 'passed' ? undefined : (verdict.reason ?? verdict.verdict),
  }
  const wait = { name: 'wait', id: spanId(`${own} wait`), parent: whole.id, start: whole.start, end: claimed }
  const phases = events.flatMap((event): Span[] => {
    if (event.type !== 'phase-ended') return []
    const end = at(event)
    const id = spanId(`${own} ${event.phase}`)
    return [{ name: event.phase, id, parent: whole.id, start: end - event.ms, end, attributes: {} }]
  })
  const steps = events.flatMap((event): Span[] => {
    if (event.type !== 'step-ended') return []
    const { index, name, status, exitCode, ms } = event
    const phase = phases.find(({ start, end }) => start <= at(event) && at(event) <= end)
    return [
      {
        ...{ name, id: spanId(`${own} step ${index}`), parent: phase?.id ?? whole.id },
        ...{ start: at(event) - ms, end: at(event) },
        attributes: {
          'mayfly.step': index,
          ...(exitCode === undefined ? {} : { 'process.exit.code': exitCode }),
        },
        failed: status === 'passed' ? undefined : status,
      },
    ]
  })
  return { id: place.id, spans: [whole, { ...wait, attributes: {} }, ...phases, ...steps] }
}

function machineAttributes(events: readonly JobEvent[]): Record<string, string> {
  const facts = events.findLast((event) => event.type === 'machine')?.facts
  if (facts === undefined) return {}
  const { image, accel, strategy } = facts
  return { 'mayfly.image': image, 'mayfly.accel': accel, 'mayfly.strategy': strategy }
}
