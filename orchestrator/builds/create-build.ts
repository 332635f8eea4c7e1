import { limitNamed } from '../../config/limits/named-limits.ts'
import { aboutBuild } from '../logs/about-build.ts'
import type { Build, BuildJob } from '../model/build.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import { announceAll, announceNothing } from './announce.ts'
import { buildId } from './build-id.ts'
import type { BuildParts } from './build-parts.ts'
import { cancelBuild } from './cancel-build.ts'
import { isForkBuild } from './fork-policy.ts'
import { newBuild, problemBuild } from './new-build.ts'
import type { BuildPlan } from './plan-build.ts'
import { planTrigger } from './plan-trigger.ts'
import { pipelineFileOf } from './read-pipeline.ts'
import { settleBuilds } from './settle-builds.ts'

export type CreateRequest = {
  repository: Repository
  trigger: Trigger
  /** ULID of the delivery that asks for it. The same delivery and commit make one build, however often asked. */
  delivery?: string | undefined
  /** ULID of the build, where its maker has to come to the same one again; undefined for the delivery's or a new one. */
  id?: string | undefined
  /** Jobs of the file, with what they need; undefined for all. */
  only?: readonly string[] | undefined
}

export type Created = { build: Build | undefined; reasons: string[] }

/**
 * Plans a build, writes it and sets it going. No build where nothing is to run; one that is `errored` with its
 * `problem` where the commit or its pipeline file can't be used.
 * @throws ConfigError for a name in `only` that is no job of the file
 */
export async function createBuild(parts: BuildParts, request: CreateRequest): Promise<Created> {
  const { repository, trigger, delivery, only } = request
  const id = request.id ?? buildId({ delivery, trigger, newId: parts.newId })
  const known = await parts.store.builds.get(id)
  if (known !== undefined) return await resume(parts, known)
  const planned = await planTrigger({ parts, repository, trigger, only })
  if (planned.kind === 'skip') return { build: undefined, reasons: [...planned.reasons] }
  const approval = await earlierApproval(parts, request)
  const pipelineFile = pipelineFileOf(repository, parts.host)
  const order = {
    id,
    repository,
    trigger,
    pipelineFile,
    delivery,
    only,
    approval,
    now: parts.now().toISOString(),
  }
  if (planned.kind === 'problem') {
    return await write(parts, problemBuild(order, planned.problem), [], planned.reasons)
  }
  const { plan, reasons } = planned
  if (plan.runs.length === 0 && !plan.jobs.some(({ state }) => state === 'errored')) {
    await announceNothing(parts, request)
    return { build: undefined, reasons: [...reasons] }
  }
  const tooMany = await queueIsFull(parts, repository, plan)
  if (tooMany !== undefined) {
    return await write(parts, problemBuild(order, tooMany), [], [...reasons, tooMany])
  }
  await cancelUnapproved(parts, request)
  const { build, jobs } = newBuild(order, plan.jobs)
  return await write(parts, build, jobs, reasons)
}

async function write(
  parts: BuildParts,
  build: Build,
  jobs: readonly BuildJob[],
  reasons: readonly string[],
): Promise<Created> {
  // Another process that works on the same delivery was faster: its build is this one.
  if (!(await parts.store.builds.add(build, jobs))) return await resume(parts, build)
  const limit = limitNamed(build.problem)
  if (limit !== undefined) parts.onLimit?.(limit)
  aboutBuild(parts.log, build).info({ problem: build.problem }, 'new build')
  await announceAll(parts, build, jobs)
  await settleBuilds(parts, [build.id])
  return {
    build: (await parts.store.builds.get(build.id)) ?? build,
    reasons: [...reasons, `build ${build.id}`],
  }
}

/** Ends what an interrupted making of the same build may have left open. */
async function resume(parts: BuildParts, { id }: Build): Promise<Created> {
  await settleBuilds(parts, [id])
  // Written down as queued and killed before it was put in line; whoever is there already stays as it is.
  for (const job of await parts.store.jobs.ofBuild(id)) if (job.state === 'queued') await parts.queue.add(job)
  const build = await parts.store.builds.get(id)
  if (build !== undefined) await announceAll(parts, build, await parts.store.jobs.ofBuild(id))
  return { build, reasons: [`build ${id} was made before`] }
}

async function queueIsFull(
  { store }: BuildParts,
  repository: Repository,
  { runs }: BuildPlan,
): Promise<string | undefined> {
  const key = repositoryKey(repository)
  const count = (await store.jobs.count('queued', key)) + (await store.jobs.count('blocked', key))
  const most = repository.limits.queued
  if (count + runs.length <= most) return undefined
  return `expected at most ${most} waiting jobs of ${key}, got ${runs.length} more to ${count} (try again when some have ended, or have the limit of the repository raised: repositories.limits.queued)`
}

/** Who said yes to this commit of this pull request before, as when it is closed and opened again. */
async function earlierApproval({ store }: BuildParts, request: CreateRequest): Promise<Build['approval']> {
  if (!isForkBuild(request.trigger)) return undefined
  const { items } = await store.builds.list({ repository: repositoryKey(request.repository) }, recent)
  return items.find((build) => isSamePull(build, request) && build.approval?.sha === request.trigger.sha)
    ?.approval
}

/** Builds of older commits of a pull request that nobody approved: the word would be asked for the newest only. */
async function cancelUnapproved(parts: BuildParts, request: CreateRequest): Promise<void> {
  if (!isForkBuild(request.trigger)) return
  const filter = { repository: repositoryKey(request.repository), state: 'waiting' } as const
  const { items } = await parts.store.builds.list(filter, recent)
  for (const build of items.filter((build) => isSamePull(build, request))) {
    const { moved } = await cancelBuild(
      parts,
      build.id,
      `commit ${request.trigger.sha.slice(0, 12)}, which is newer`,
    )
    await settleBuilds(parts, moved)
  }
}

const recent = { limit: 100, cursor: undefined }

function isSamePull(build: Build, { trigger }: CreateRequest): boolean {
  return build.trigger.pullRequest?.number === trigger.pullRequest?.number
}
