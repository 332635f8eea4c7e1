import type { Build, BuildJob } from '../model/build.ts'

/**
 * The name under which a forge shows a status, and which branch rules ask for. `mayfly` is the build as a whole and
 * `mayfly/<job>` one job of it; a pull request has `mayfly-pr` for `mayfly`, as its push has a build on the same commit.
 * Undefined where nothing is to be told: one job alone is told as its build, and a part of a file is not the whole.
 */
export function statusContext(
  build: Pick<Build, 'trigger' | 'jobs' | 'only'>,
  job?: Pick<BuildJob, 'name' | 'ruledOut' | 'state'>,
): string | undefined {
  const isPull = build.trigger.pullRequest !== undefined
  const whole = wholeContext(build.trigger)
  const isPart = build.only !== undefined
  if (job === undefined) return isPart ? undefined : whole
  if (build.jobs.length === 1 && !isPart) return undefined
  // A rule may ask for a job that had no reason to run: only a pull request would wait for it.
  if (job.ruledOut === true && job.state === 'skipped' && !isPull) return undefined
  return `${whole}/${job.name}`
}

/** The context of a build as a whole. */
export function wholeContext({ pullRequest }: Pick<Build['trigger'], 'pullRequest'>): string {
  return pullRequest === undefined ? 'mayfly' : 'mayfly-pr'
}
