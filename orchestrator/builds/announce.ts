import { type Build, type BuildJob, type BuildState, isEnded, type JobState } from '../model/build.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import type { BuildParts } from './build-parts.ts'
import { statusContext, wholeContext } from './status-context.ts'
import { buildStatusText, jobStatusText } from './status-text.ts'

type Parts = Pick<BuildParts, 'store' | 'bus' | 'outbox' | 'pageUrl' | 'onBuild'>

/** Tells forge and pages where a job stands. */
export async function announceJob(parts: Parts, build: Build, job: BuildJob): Promise<void> {
  await parts.bus.publish({ type: 'job', id: job.id, build: job.build })
  await post(parts, build, {
    context: statusContext(build, job),
    // Skipped for a need that did not pass is no success: only what `when` ruled out may let a pull request through.
    state: job.state === 'skipped' && job.ruledOut !== true ? 'cancelled' : job.state,
    description: jobStatusText(job),
    url: parts.pageUrl({ job: job.id }),
  })
}

/** Tells forge and pages where a build stands as a whole. */
export async function announceBuild(parts: Parts, build: Build, jobs: readonly BuildJob[]): Promise<void> {
  await parts.bus.publish({ type: 'build', id: build.id })
  await post(parts, build, {
    context: statusContext(build),
    state: build.state,
    description: buildStatusText(build, jobs),
    url: parts.pageUrl({ build: build.id }),
  })
  await parts.onBuild?.(build, jobs)
}

/** Tells all of a build, for when it is new and for when it is not known what was told before. */
export async function announceAll(parts: Parts, build: Build, jobs: readonly BuildJob[]): Promise<void> {
  for (const job of jobs) await announceJob(parts, build, job)
  await announceBuild(parts, build, jobs)
}

type Nothing = { repository: Repository; trigger: Trigger; only?: readonly string[] | undefined }

/** Tells a pull request that none of its jobs has to run, so that it does not wait for one. */
export async function announceNothing(parts: Parts, { repository, trigger, only }: Nothing): Promise<void> {
  const { pullRequest, sha, ref } = trigger
  if (pullRequest === undefined || only !== undefined) return
  await parts.outbox.post({
    repository,
    sha,
    ref,
    context: wholeContext(trigger),
    state: 'skipped',
    description: 'no job has to run for this change',
    url: parts.pageUrl({ repository: repositoryKey(repository) }),
  })
}

type Post = { context: string | undefined; state: BuildState | JobState; description: string; url: string }

async function post({ store, outbox }: Parts, build: Build, status: Post): Promise<void> {
  const { context, state, description, url } = status
  const repository = await store.repositories.get(build.repository)
  if (context === undefined || repository === undefined) return
  const { sha, ref } = build.trigger
  await outbox.post({ build: build.id, repository, sha, ref, context, state: told(state), description, url })
}

function told(state: BuildState | JobState): Parameters<BuildParts['outbox']['post']>[0]['state'] {
  return isEnded(state) || state === 'running' ? state : 'pending'
}
