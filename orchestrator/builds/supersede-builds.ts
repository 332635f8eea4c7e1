import type { Build, BuildJob, JobState } from '../model/build.ts'
import type { BuildParts } from './build-parts.ts'
import { cancelJob } from './cancel-job.ts'
import { settleBuilds } from './settle-builds.ts'

/** What is no longer wanted; all that is given has to be so. */
export type Superseded = {
  /** `forge:owner/name` */
  readonly repository: string
  readonly pullRequest?: number
  /** Builds of pushes to this branch; not of pull requests to it. */
  readonly branch?: string
  /** Jobs of this concurrency group. */
  readonly group?: string
}

const activeStates: readonly JobState[] = ['blocked', 'queued', 'claimed', 'running']

/** Cancels the jobs that still run or wait for something that is gone; gives how many builds that were. */
export async function supersedeBuilds(parts: BuildParts, match: Superseded, by: string): Promise<number> {
  const { store } = parts
  const active = (await Promise.all(activeStates.map((state) => store.jobs.inState(state)))).flat()
  const builds = new Map<string, Build | undefined>()
  const hit = new Set<string>()
  const moved: string[] = []
  for (const job of active.filter(({ repository }) => repository === match.repository)) {
    if (!builds.has(job.build)) builds.set(job.build, await store.builds.get(job.build))
    const build = builds.get(job.build)
    if (build === undefined || !isMeant(match, build, job)) continue
    const done = await cancelJob(parts, job.id, by)
    if (done.cancelled) hit.add(job.build)
    moved.push(...done.moved)
  }
  await settleBuilds(parts, moved)
  return hit.size
}

function isMeant({ pullRequest, branch, group }: Superseded, { trigger }: Build, { job }: BuildJob): boolean {
  if (pullRequest !== undefined && trigger.pullRequest?.number !== pullRequest) return false
  if (branch !== undefined && (trigger.pullRequest !== undefined || trigger.branch !== branch)) return false
  return group === undefined || job.concurrency?.group === group
}
