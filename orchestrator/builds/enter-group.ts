import { type BuildJob, isEnded } from '../model/build.ts'
import type { BuildParts } from './build-parts.ts'
import { cancelJob } from './cancel-job.ts'
import { contend, groupOf } from './concurrency.ts'

type Entry = {
  readonly entered: boolean
  /** What it waits for. */
  readonly waiting: string | undefined
  /** Builds to look at again, as jobs of them ended over it. */
  readonly moved: readonly string[]
}

const free: Entry = { entered: true, waiting: undefined, moved: [] }

/**
 * Takes a job's concurrency group for it; a job of no group enters at once. Where another job holds it, they wait or
 * one of the two is cancelled, as their file says.
 */
export async function enterGroup(parts: BuildParts, job: BuildJob): Promise<Entry> {
  const group = groupOf(job)
  if (group === undefined) return free
  const holder = await takeGroup(parts, group, job.id)
  if (holder === undefined) return free
  const waiting = `waits for ${holder.id}, which holds the concurrency group ${job.job.concurrency?.group}`
  const decision = contend(job, holder)
  if (decision === 'wait') return { entered: false, waiting, moved: [] }
  const [winner, loser] = decision === 'cancel-holder' ? [job, holder] : [holder, job]
  const { moved } = await cancelJob(parts, loser.id, `build ${winner.build}, which is newer`)
  return { entered: false, waiting, moved }
}

/** The job that holds the group, where it is another one that is still about. */
async function takeGroup(parts: BuildParts, group: string, id: string): Promise<BuildJob | undefined> {
  const { groups, jobs } = parts.store
  let holder = await groups.take(group, id)
  // A holder that is gone is replaced, by somebody else where they were faster.
  while (holder !== id) {
    const job = await jobs.get(holder)
    if (job !== undefined && !isEnded(job.state) && groupOf(job) === group) return job
    holder = await groups.take(group, id, holder)
  }
  return undefined
}
