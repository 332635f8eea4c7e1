import type { BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { BuildParts } from './build-parts.ts'

/** More than any line is long. */
const wholeLine = 1_000_000

/** How many more jobs of a repository hosts may have now; undefined where `limits.running` sets no bound. */
export async function freeRuns(
  { jobs, repositories }: Pick<Store, 'jobs' | 'repositories'>,
  repository: string,
): Promise<number | undefined> {
  const most = (await repositories.get(repository))?.limits.running
  if (most === undefined) return undefined
  const held = [...(await jobs.inState('claimed')), ...(await jobs.inState('running'))]
  return Math.max(0, most - held.filter((job) => job.repository === repository).length)
}

type Limit = { repository: string; running: number; most: number }

/** Why a job waits whose repository has as many running as it may. */
export function limitInWords({ repository, running, most }: Limit): string {
  return `${repository} runs ${running} ${running === 1 ? 'job' : 'jobs'}, of at most ${most} at a time`
}

/**
 * Puts those next in line that their repository's `limits.running` kept out of it, as many as it has room for now.
 * Whoever takes them looks at the limit again, so that one too many does no harm.
 */
export async function lineUpHeld(
  { store, queue }: Pick<BuildParts, 'store' | 'queue'>,
  repository: string,
): Promise<void> {
  let free = await freeRuns(store, repository)
  if (free === undefined || free === 0) return
  const queued = (await store.jobs.inState('queued')).filter((job) => job.repository === repository)
  if (queued.length === 0) return
  const line = new Set(await queue.waiting(wholeLine))
  for (const job of firstFirst(queued)) {
    if (free === 0) return
    if (line.has(job.id) || !(await queue.addAhead(job))) continue
    free -= 1
  }
}

/** By priority, then by the time since which they are queued, in which order they are given. */
function firstFirst(jobs: readonly BuildJob[]): BuildJob[] {
  return jobs.toSorted((a, b) => a.priority - b.priority)
}
