import { type BuildJob, isEnded } from '../model/build.ts'
import { announceJob } from './announce.ts'
import type { BuildParts } from './build-parts.ts'
import { leaveGroup } from './leave-group.ts'
import { shouldRetry } from './retry-policy.ts'
import { lineUpHeld } from './running-limit.ts'
import { settleBuilds } from './settle-builds.ts'

/** A host's machine runs a job that the host had claimed. Only its holder's word counts. */
export async function startJob(parts: BuildParts, { id, claim }: BuildJob): Promise<void> {
  const change = { state: 'running', started: parts.now().toISOString(), waiting: undefined } as const
  const job = await parts.store.jobs.change(id, ['claimed'], change, claim)
  const build = job && (await parts.store.builds.get(job.build))
  if (job === undefined || build === undefined) return
  await announceJob(parts, build, job)
  await settleBuilds(parts, [build.id])
}

/** A job's verdict is in the store: it is told, unless another attempt follows, and what waited for it goes on. */
export async function endJob(parts: BuildParts, { id }: BuildJob): Promise<void> {
  // As it is now: word of an end may come twice, and after the next attempt began.
  const job = await parts.store.jobs.get(id)
  const build = job && (await parts.store.builds.get(job.build))
  if (job === undefined || build === undefined) return
  if (isEnded(job.state) && !shouldRetry(job)) await announceJob(parts, build, job)
  await settleBuilds(parts, [build.id, ...(await leaveGroup(parts, job))])
  await lineUpHeld(parts, job.repository)
}
