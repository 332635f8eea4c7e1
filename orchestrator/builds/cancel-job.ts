import { aboutJob } from '../logs/about-job.ts'
import { isEnded } from '../model/build.ts'
import { announceJob } from './announce.ts'
import type { BuildParts } from './build-parts.ts'
import { leaveGroup } from './leave-group.ts'
import { lineUpHeld } from './running-limit.ts'

/** `cancelled` is false where the job had ended or is not known; `moved` are builds to look at again. */
type Cancelled = { readonly cancelled: boolean; readonly moved: readonly string[] }

/**
 * Cancels a job in whatever state it is: one that has not begun ends here and now, one that a host has is asked to end.
 */
export async function cancelJob(parts: BuildParts, id: string, by: string): Promise<Cancelled> {
  const { jobs } = parts.store
  for (;;) {
    const job = await jobs.get(id)
    if (job === undefined || isEnded(job.state)) return { cancelled: false, moved: [] }
    const ended =
      job.state === 'blocked' || job.state === 'queued'
        ? await endWaiting(parts, id, by)
        : await askToEnd(parts, id, by)
    // It moved on between the two looks: what has to be done for it may be another thing now.
    if (ended !== undefined) return { cancelled: true, moved: ended }
  }
}

async function endWaiting(parts: BuildParts, id: string, by: string): Promise<string[] | undefined> {
  const { store, queue, log } = parts
  const job = await store.jobs.change(id, ['blocked', 'queued'], {
    state: 'cancelled',
    cancelRequested: by,
    reason: `cancelled by ${by}`,
    ended: parts.now().toISOString(),
    waiting: undefined,
  })
  if (job === undefined) return undefined
  aboutJob(log, job).info({ by }, 'cancelled before it began')
  await queue.remove(job)
  // It may have been the one whose turn it was.
  await lineUpHeld(parts, job.repository)
  const build = await store.builds.get(job.build)
  if (build !== undefined) await announceJob(parts, build, job)
  return [job.build, ...(await leaveGroup(parts, job))]
}

async function askToEnd(parts: BuildParts, id: string, by: string): Promise<string[] | undefined> {
  const { store, bus, log } = parts
  const job = await store.jobs.change(id, ['claimed', 'running'], { cancelRequested: by })
  if (job === undefined) return undefined
  aboutJob(log, job).info({ host: job.host, by }, 'asked to end')
  await bus.publish({ type: 'cancel', job: id, by })
  await bus.publish({ type: 'job', id, build: job.build })
  return []
}
