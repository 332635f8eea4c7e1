import type { BuildJob } from '../model/build.ts'

/**
 * Whether a job gets another attempt by itself: only where the machine or the host failed in a way that the job counts
 * worth it, within its bound of attempts, and where nobody asked for its end. A failed step never does.
 */
export function shouldRetry(
  job: Pick<BuildJob, 'state' | 'failure' | 'attempt' | 'cancelRequested' | 'ruledOut' | 'job'>,
): boolean {
  const { retry } = job.job
  return (
    job.state === 'errored' &&
    job.failure !== undefined &&
    retry.on.includes(job.failure) &&
    job.attempt <= retry.max &&
    job.cancelRequested === undefined &&
    job.ruledOut !== true
  )
}
