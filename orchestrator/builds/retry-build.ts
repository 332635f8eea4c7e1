import { ConfigError } from '../../config/errors.ts'
import { aboutBuild } from '../logs/about-build.ts'
import { type Build, type BuildJob, isEnded } from '../model/build.ts'
import type { BuildParts } from './build-parts.ts'
import { createBuild } from './create-build.ts'
import { runAgain } from './run-again.ts'

type RetryBuild = { id: string; which: 'all' | 'failed'; by: string }

/**
 * Runs the jobs of a build again as new attempts: all, or those that did not pass, with those that were skipped for
 * them. A build that could not be planned is planned anew, as a new build. Undefined where there is no such build.
 * @throws ConfigError for all of a build that still runs
 */
export async function retryBuild(
  parts: BuildParts,
  { id, which, by }: RetryBuild,
): Promise<Build | undefined> {
  const { store, log } = parts
  const build = await store.builds.get(id)
  if (build === undefined) return undefined
  if (build.jobs.length === 0) return await planAnew(parts, build)
  if (which === 'all' && !isEnded(build.state)) {
    throw new ConfigError(`expected a build that has ended, got ${id}, which is ${build.state}`, {
      hint: 'cancel it first, or run again only what failed',
    })
  }
  const chosen = (await store.jobs.ofBuild(id)).filter((job) => isToRun(job, which))
  if (chosen.length === 0) return build
  aboutBuild(log, build).info({ which, by, jobs: chosen.length }, 'runs again')
  return await runAgain({ parts, build, chosen })
}

function isToRun({ state, ruledOut }: BuildJob, which: RetryBuild['which']): boolean {
  return isEnded(state) && ruledOut !== true && (which === 'all' || state !== 'passed')
}

async function planAnew(parts: BuildParts, build: Build): Promise<Build | undefined> {
  const repository = await parts.store.repositories.get(build.repository)
  if (repository === undefined) return undefined
  const { trigger, only } = build
  // Each submission names its own pipeline file; the others follow their registration.
  const same = repository.forge === 'local' ? { ...repository, pipelineFile: build.pipelineFile } : repository
  return (await createBuild(parts, { repository: same, trigger, only })).build
}
