import type { Archive } from '../archive/archive.ts'
import { type Build, type BuildJob, isEnded } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { attemptIds } from '../worker/attempt-id.ts'

type Parts = {
  readonly store: Pick<Store, 'builds' | 'jobs'>
  readonly archive: Pick<Archive, 'read' | 'keep' | 'remove'>
}

/** `running` where the build has not ended, of which nothing was touched; undefined where there is no such thing. */
export type Deleted = 'deleted' | 'running' | undefined

/**
 * Forgets a finished build: its record and those of its jobs, their logs, consoles and artifacts. Nothing of it comes
 * back. Folders go last: a crash in between leaves them to the retention, which finds them noted.
 */
export async function deleteBuild(parts: Parts, id: string): Promise<Deleted> {
  const build = await parts.store.builds.get(id)
  if (build === undefined) return undefined
  return await remove(parts, build, await parts.store.jobs.ofBuild(id))
}

/** Forgets one job of a finished build, all its attempts; the build with it where it was the only one. */
export async function deleteJob({ store, archive }: Parts, id: string): Promise<Deleted> {
  const job = await store.jobs.get(id)
  const build = job && (await store.builds.get(job.build))
  if (job === undefined || build === undefined) return undefined
  if (build.jobs.length === 1) return await remove({ store, archive }, build, [job])
  // Others may still need it, or its group, or a new attempt.
  if (!isEnded(build.state) || !isEnded(job.state)) return 'running'
  const attempts = attemptIds(job)
  if (!(await store.builds.removeJob(build, job, attempts))) return 'running'
  const left = await store.builds.get(build.id)
  if (left !== undefined && (await archive.read(build.id)) !== undefined)
    await archive.keep(left, await store.jobs.ofBuild(build.id))
  await archive.remove(job.id, attempts)
  await store.builds.removed(job.id)
  return 'deleted'
}

async function remove({ store, archive }: Parts, build: Build, jobs: readonly BuildJob[]): Promise<Deleted> {
  if (!isEnded(build.state) || jobs.some(({ state }) => !isEnded(state))) return 'running'
  const attempts = jobs.flatMap(attemptIds)
  if (!(await store.builds.remove(build, attempts))) return 'running'
  await archive.remove(build.id, attempts)
  await store.builds.removed(build.id)
  return 'deleted'
}
