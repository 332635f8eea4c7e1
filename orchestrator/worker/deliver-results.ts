import type { Logger } from 'pino'
import type { BuildService } from '../builds/build-service.ts'
import { aboutJob } from '../logs/about-job.ts'
import { type BuildJob, isEnded } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { claimName } from './claim-job.ts'
import type { KeptResult, KeptResults } from './kept-results.ts'

type Deliver = {
  readonly results: KeptResults
  readonly store: Pick<Store, 'jobs'>
  readonly builds: Pick<BuildService, 'jobEnded'>
  /** Claims that somebody in this process works on, who tells the verdict himself. */
  readonly claims: ReadonlySet<string>
  readonly log: Logger
}

/**
 * Writes the verdicts that this host kept while Redis was away, or whose process ended before it could. Each is written
 * once and only for the claim that it is of; one whose job has another claim, attempt or verdict by now is dropped.
 * @throws what the store throws, with the rest kept for the next time
 */
export async function deliverResults({ results, store, builds, claims, log }: Deliver): Promise<void> {
  for (const result of await results.list()) {
    const { job: id, claim, ending } = result
    if (claims.has(claimName({ id, claim }))) continue
    const ended = await store.jobs.change(id, ['claimed', 'running'], ending, claim)
    const now = ended ?? (await store.jobs.get(id))
    const about = aboutJob(log, now ?? { id, attempt: result.attempt })
    if (now !== undefined && isTold(now, result)) {
      about.info({ state: ending.state }, 'a verdict that was kept on this host is told')
      // Once more does no harm: whoever wrote it may have died before he told it.
      await builds.jobEnded(now)
    } else about.warn({ claim, state: now?.state }, 'a verdict that was kept is not wanted any more')
    await results.forget(result)
  }
}

function isTold(job: BuildJob, { claim, attempt, ending }: KeptResult): boolean {
  return isEnded(job.state) && job.claim === claim && job.attempt === attempt && job.ended === ending.ended
}
