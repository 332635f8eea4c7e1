import type { Build, BuildJob, DebugWish } from '../model/build.ts'
import { announceAll } from './announce.ts'
import type { BuildParts } from './build-parts.ts'
import { needsApproval } from './fork-policy.ts'
import { newAttempt } from './new-attempt.ts'
import { settleBuilds } from './settle-builds.ts'

type RunAgain = {
  readonly parts: BuildParts
  readonly build: Build
  /** Jobs that have ended. */
  readonly chosen: readonly BuildJob[]
  /** Who wants to look into which of them. */
  readonly debug?: { readonly job: string; readonly wish: DebugWish } | undefined
}

/** Begins new attempts of jobs, and gives the build as it is then. */
export async function runAgain({ parts, build, chosen, debug }: RunAgain): Promise<Build | undefined> {
  const { store } = parts
  const { id } = build
  const state = needsApproval(build) ? 'waiting' : 'queued'
  await store.builds.update(id, { state, started: undefined, ended: undefined })
  for (const job of chosen) {
    const wish = debug?.job === job.id ? debug.wish : undefined
    await store.jobs.change(job.id, [job.state], { ...newAttempt(job), debug: wish }, job.claim)
  }
  await announceAll(parts, { ...build, state }, await store.jobs.ofBuild(id))
  await settleBuilds(parts, [id])
  return await store.builds.get(id)
}
