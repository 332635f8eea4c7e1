import { formatDuration } from '../../config/duration.ts'
import { aboutJob } from '../logs/about-job.ts'
import { announceJob } from './announce.ts'
import type { BuildParts } from './build-parts.ts'
import { leaveGroup } from './leave-group.ts'
import { settleBuilds } from './settle-builds.ts'
import type { WaitTimes } from './wait-times.ts'

const limit = 'limits.build_age'

/**
 * Ends the jobs that have waited in line for longer than `limits.build_age` of the host file: what they were to tell, nobody
 * waits for any more. They are not retried.
 */
export async function endOverdue(parts: BuildParts, times: WaitTimes): Promise<void> {
  const { store, queue, host, onLimit, log } = parts
  const most = host.limits.buildAge
  const queued = await store.jobs.inState('queued')
  for (const { id } of times.beyond(most, queued)) {
    const reason = `it waited in line for longer than the ${formatDuration(most)} that ${limit} of the host file allows`
    const hint = `see why jobs wait on the page Queue, or raise ${limit} in the host file`
    const job = await store.jobs.change(id, ['queued'], {
      ...{ state: 'errored', failure: 'config', reason, hint },
      ...{ ended: parts.now().toISOString(), waiting: undefined },
    })
    if (job === undefined) continue
    aboutJob(log, job).warn({ reason }, 'a job waited for too long')
    onLimit?.(limit)
    await queue.remove(job)
    const build = await store.builds.get(job.build)
    if (build !== undefined) await announceJob(parts, build, job)
    await settleBuilds(parts, [job.build, ...(await leaveGroup(parts, job))])
  }
}
