import type { JobEvent } from '../../runner/job/job-event.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { BuildJob } from '../model/build.ts'

/** Turns a job's timeline into the metrics of it. */
export function observeJob({ metrics, job }: { metrics: Metrics; job: BuildJob }): (event: JobEvent) => void {
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
    if (event.type === 'verdict') {
      metrics.running.dec()
      metrics.job.observe({ verdict: event.verdict, failure: event.failure ?? '' }, event.at / 1000)
    }
  }
}
