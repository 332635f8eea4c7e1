import type { Verdict } from '../../runner/job/verdict.ts'
import { type BuildJob, type BuildState, isEnded } from '../model/build.ts'

/** A step that said no is sure; after it comes what may be different the next time. */
const gravest: readonly Verdict[] = ['failed', 'timed-out', 'errored', 'cancelled', 'passed', 'skipped']

/** Where a build stands, from how its jobs stand. At least one job. */
export function rollUp(jobs: readonly Pick<BuildJob, 'state' | 'started'>[]): Exclude<BuildState, 'waiting'> {
  if (jobs.every(({ state }) => isEnded(state))) {
    return gravest.find((verdict) => jobs.some(({ state }) => state === verdict)) ?? 'skipped'
  }
  return jobs.some(({ state, started }) => state === 'running' || started !== undefined)
    ? 'running'
    : 'queued'
}
