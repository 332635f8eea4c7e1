import { type BuildJob, isEnded } from '../model/build.ts'
import type { BuildParts } from './build-parts.ts'
import { groupOf } from './concurrency.ts'

/** Frees the concurrency group of a job that ended, and gives the builds whose jobs may wait for it, next one first. */
export async function leaveGroup(parts: Pick<BuildParts, 'store'>, ended: BuildJob): Promise<string[]> {
  const { jobs, groups } = parts.store
  const group = groupOf(ended)
  if (group === undefined) return []
  // Looked at anew, as word of an end may come late, when the next attempt holds the group.
  const job = await jobs.get(ended.id)
  if (job === undefined || !isEnded(job.state)) return []
  await groups.release(group, job.id)
  const waiting = (await jobs.inState('blocked')).filter((other) => groupOf(other) === group)
  const builds = waiting.map(({ build }) => build).sort()
  // Where newer ones cancel older ones, the newest goes first and the others never start.
  return job.job.concurrency?.cancel === true ? builds.reverse() : builds
}
