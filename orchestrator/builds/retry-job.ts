import { ConfigError } from '../../config/errors.ts'
import { aboutJob } from '../logs/about-job.ts'
import { type Build, type BuildJob, type DebugWish, isEnded } from '../model/build.ts'
import type { BuildParts } from './build-parts.ts'
import { isForkBuild } from './fork-policy.ts'
import { runAgain } from './run-again.ts'

type RetryJob = { readonly id: string; readonly by: string; readonly debug: DebugWish | undefined }

/**
 * Runs one job again as a new attempt, with those that were skipped for it. Undefined where there is no such job.
 * @throws ConfigError for one that has not ended or never runs, and where somebody wants to debug code from a fork
 */
export async function retryJob(parts: BuildParts, { id, by, debug }: RetryJob): Promise<Build | undefined> {
  const { store, log } = parts
  const job = await store.jobs.get(id)
  const build = job && (await store.builds.get(job.build))
  if (job === undefined || build === undefined) return undefined
  if (!isEnded(job.state) || job.ruledOut === true) {
    const is = job.ruledOut === true ? `is not to run: ${job.reason}` : `is ${job.state}`
    throw new ConfigError(`expected a job that has ended, to run it again, got ${id}, which ${is}`)
  }
  if (debug !== undefined && isForkBuild(build.trigger)) {
    throw new ConfigError(
      `expected a job of the repository itself to debug, got ${id}, which is code from a fork`,
    )
  }
  const jobs = await store.jobs.ofBuild(build.id)
  const chosen = [job, ...skippedFor(job, jobs)]
  aboutJob(log, job).info({ by, jobs: chosen.length, debug: debug !== undefined }, 'runs again')
  return await runAgain({ parts, build, chosen, debug: debug && { job: id, wish: debug } })
}

/** The jobs that need it, or one that does, and were skipped. */
function skippedFor(job: BuildJob, jobs: readonly BuildJob[]): BuildJob[] {
  const found = new Set([job.id])
  for (let before = 0; before !== found.size; ) {
    before = found.size
    for (const { id, needs, state, ruledOut } of jobs) {
      if (state === 'skipped' && ruledOut !== true && needs.some((need) => found.has(need))) found.add(id)
    }
  }
  return jobs.filter(({ id }) => id !== job.id && found.has(id))
}
