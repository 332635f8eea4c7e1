import { aboutJob } from '../logs/about-job.ts'
import type { BuildParts } from './build-parts.ts'

/**
 * Has the machine of a job ended with SIGKILL at once, and the job with it; false where no host has the job, so that
 * there is no machine to end.
 */
export async function killJob(
  { store, bus, log }: Pick<BuildParts, 'store' | 'bus' | 'log'>,
  id: string,
  by: string,
): Promise<boolean> {
  const change = { cancelRequested: by, killRequested: by }
  const job = await store.jobs.change(id, ['claimed', 'running'], change)
  if (job === undefined) return false
  aboutJob(log, job).warn({ host: job.host, by }, 'its machine is to be killed')
  await bus.publish({ type: 'kill', job: id, by })
  await bus.publish({ type: 'job', id, build: job.build })
  return true
}
