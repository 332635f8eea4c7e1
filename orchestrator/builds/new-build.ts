import type { Build, BuildJob } from '../model/build.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import { needsApproval } from './fork-policy.ts'
import { jobPriority } from './job-priority.ts'
import type { PlannedJob } from './plan-job.ts'

type NewBuild = {
  id: string
  repository: Repository
  trigger: Trigger
  pipelineFile: string
  delivery: string | undefined
  only: readonly string[] | undefined
  approval: Build['approval']
  /** ISO 8601 */
  now: string
}

/** A build as it is first written: its jobs blocked, to be settled next. */
export function newBuild(order: NewBuild, jobs: readonly PlannedJob[]): { build: Build; jobs: BuildJob[] } {
  const build = { ...baseOf(order), jobs: jobs.map(({ name }) => jobId(order.id, name)) }
  const state = needsApproval(build) ? 'waiting' : 'queued'
  return { build: { ...build, state }, jobs: jobs.map((planned) => newJob(order, planned)) }
}

/** A build that came to an end before it had jobs. */
export function problemBuild(order: NewBuild, problem: string): Build {
  return { ...baseOf(order), jobs: [], state: 'errored', ended: order.now, problem }
}

function baseOf({ id, repository, trigger, pipelineFile, delivery, only, approval, now }: NewBuild) {
  return {
    id,
    repository: repositoryKey(repository),
    trigger,
    pipelineFile,
    created: now,
    started: undefined,
    ended: undefined,
    problem: undefined,
    delivery,
    approval,
    ...(only === undefined ? {} : { only }),
  }
}

function newJob({ id, repository, trigger, now }: NewBuild, planned: PlannedJob): BuildJob {
  const { name, job, needs, resources, state, failure, reason, hint } = planned
  const ruledOut = state !== 'blocked'
  return {
    id: jobId(id, name),
    build: id,
    repository: repositoryKey(repository),
    name,
    job,
    needs: needs.map((need) => jobId(id, need)),
    state,
    attempt: 1,
    priority: jobPriority(job.priority, trigger.event),
    created: now,
    queued: undefined,
    started: undefined,
    ended: ruledOut ? now : undefined,
    claim: 0,
    host: undefined,
    failure,
    reason: ruledOut ? reason : undefined,
    hint,
    waiting: !ruledOut && needs.length > 0 ? `needs ${needs.join(', ')}` : undefined,
    resources,
    ...(planned.runsOn === undefined ? {} : { runsOn: planned.runsOn }),
    cancelRequested: undefined,
    ...(ruledOut ? { ruledOut } : {}),
  }
}

function jobId(build: string, name: string): string {
  return `${build}-${name}`
}
