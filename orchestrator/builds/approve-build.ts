import { aboutBuild } from '../logs/about-build.ts'
import { type Build, isEnded } from '../model/build.ts'
import { announceBuild } from './announce.ts'
import type { BuildParts } from './build-parts.ts'
import { needsApproval } from './fork-policy.ts'
import { settleBuilds } from './settle-builds.ts'

/**
 * Lets a fork's pull request run, for the one commit that the build is of. Undefined where there is no such build or it
 * has ended; one that needs no approval is given as it is.
 */
export async function approveBuild(parts: BuildParts, id: string, by: string): Promise<Build | undefined> {
  const { store, log } = parts
  const build = await store.builds.get(id)
  if (build === undefined || isEnded(build.state)) return undefined
  if (!needsApproval(build)) return build
  const approval = { by, at: parts.now().toISOString(), sha: build.trigger.sha }
  const approved = await store.builds.update(id, { approval, state: 'queued' })
  if (approved === undefined) return undefined
  aboutBuild(log, build).info({ by, sha: approval.sha }, 'approved')
  await announceBuild(parts, approved, await store.jobs.ofBuild(id))
  await settleBuilds(parts, [id])
  return await store.builds.get(id)
}
