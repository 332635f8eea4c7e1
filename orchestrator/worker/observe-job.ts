import { limitNamed } from '../../config/limits/named-limits.ts'
import type { JobEvent } from '../../runner/job/job-event.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { BuildJob } from '../model/build.ts'

type Observe = {
  metrics: Metrics
  job: BuildJob
  /** Bytes that are kept of what it prints. */
  limits?: { readonly logBytes: number; readonly consoleBytes: number }
}

/** Turns a job's timeline into the metrics of it. */
export function observeJob({ metrics, job, limits }: Observe): (event: JobEvent) => void {
  const room = {
    log: limits?.logBytes ?? Number.POSITIVE_INFINITY,
    console: limits?.consoleBytes ?? Number.POSITIVE_INFINITY,
  }
  const take = (what: 'log' | 'console', bytes: number) => {
    const before = room[what]
    room[what] -= bytes
    if (before >= 0 && room[what] < 0) metrics.limits.inc({ limit: `limits.${what}_bytes` })
  }
  if (job.queued !== undefined) metrics.wait.observe((Date.now() - Date.parse(job.queued)) / 1000)
  metrics.running.inc()
  return (event) => {
    if (event.type === 'gate') metrics.gate.observe({ gate: event.name }, event.ms / 1000)
    if (event.type === 'machine') {
      const { image, accel, strategy, gates, checkpoint } = event.facts
      // One that is to be kept is told of again when it is, or could not be.
      if (checkpoint !== undefined && checkpoint.state !== 'to-keep')
        metrics.setups.inc({ image, result: checkpoint.state })
      if (event.facts.templateFailed === true) metrics.templateFailures.inc({ image })
      metrics.boot.observe({ image, accel, strategy }, gates.reduce((sum, { ms }) => sum + ms, 0) / 1000)
    }
    if (event.type === 'log' || event.type === 'console') take(event.type, event.data.length)
    if (event.type === 'verdict') {
      const limit = limitNamed(event.hint, event.reason)
      if (limit !== undefined) metrics.limits.inc({ limit })
      metrics.running.dec()
      metrics.job.observe({ verdict: event.verdict, failure: event.failure ?? '' }, event.at / 1000)
    }
  }
}
