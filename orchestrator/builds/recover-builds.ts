import { aboutBuild } from '../logs/about-build.ts'
import { type BuildState, isEnded } from '../model/build.ts'
import { announceAll } from './announce.ts'
import type { BuildParts } from './build-parts.ts'
import { freeRuns, lineUpHeld, wholeLine } from './running-limit.ts'
import { settleBuilds } from './settle-builds.ts'

const activeStates: readonly BuildState[] = ['waiting', 'queued', 'running']

/**
 * Ends what a process that died left half done: jobs that were to be queued are, builds follow their jobs, and what
 * changed is told again. Does nothing where nothing was left, so that it may be done at each start and now and then.
 */
export async function recoverBuilds(parts: BuildParts): Promise<void> {
  const { store, queue, log } = parts
  const queued = await store.jobs.inState('queued')
  const line = new Set(await queue.waiting(wholeLine))
  const lost = queued.filter(({ id }) => !line.has(id))
  for (const repository of new Set(lost.map((job) => job.repository))) {
    // What a limit keeps out of the line is no loss.
    if ((await freeRuns(store, repository)) !== undefined) await lineUpHeld(parts, repository)
    else for (const job of lost.filter((job) => job.repository === repository)) await queue.add(job)
  }
  for (const id of await activeBuilds(parts)) {
    await settleBuilds(parts, [id])
    const build = await store.builds.get(id)
    if (build === undefined || !isEnded(build.state)) continue
    // Its last job ended and nobody was there to tell.
    aboutBuild(log, build).info({ state: build.state }, 'brought to its end')
    await announceAll(parts, build, await store.jobs.ofBuild(id))
  }
}

async function activeBuilds({ store }: BuildParts): Promise<Set<string>> {
  const ids = new Set((await store.jobs.inState('blocked')).map(({ build }) => build))
  for (const state of activeStates) {
    let cursor: string | undefined
    do {
      const page = await store.builds.list({ state }, { limit: 100, cursor })
      for (const { id } of page.items) ids.add(id)
      cursor = page.next
    } while (cursor !== undefined)
  }
  return ids
}
