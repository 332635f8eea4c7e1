import type { Store } from '../model/store.ts'
import type { BuildParts } from './build-parts.ts'

/** More than any line is long. */
export const wholeLine = 1_000_000

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

/** How a repository takes part in what all share; one that nobody knows any more as one that asks for nothing special. */
export async function shareOf(
  store: Pick<Store, 'jobs' | 'repositories'>,
  repository: string,
): Promise<{ weight: number; mayRun: boolean }> {
  const limits = (await store.repositories.get(repository))?.limits
  const mayRun = limits?.running === undefined || (await freeRuns(store, repository)) !== 0
  return { weight: limits?.weight ?? 1, mayRun }
}

/**
 * Offers hosts the next job of a repository whose `limits.running` kept it from that, those first that had been taken
 * already. Whoever takes them looks at the limit again, so that one too many does no harm.
 */
export async function lineUpHeld(
  { store, queue }: Pick<BuildParts, 'store' | 'queue'>,
  repository: string,
): Promise<void> {
  const free = await freeRuns(store, repository)
  if (free === undefined || free === 0) return
  const queued = (await store.jobs.inState('queued')).filter((job) => job.repository === repository)
  if (queued.length === 0) return
  const line = new Set(await queue.waiting(wholeLine))
  for (const job of queued) if (!line.has(job.id)) await queue.add(job, { first: true })
  await queue.advance(repository)
}
