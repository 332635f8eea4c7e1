import { aboutBuild } from '../logs/about-build.ts'
import { aboutJob } from '../logs/about-job.ts'
import { type Build, type BuildJob, type BuildState, isEnded } from '../model/build.ts'
import { announceBuild, announceJob } from './announce.ts'
import type { BuildParts } from './build-parts.ts'
import { needsApproval } from './fork-policy.ts'
import { leaveGroup } from './leave-group.ts'
import { newAttempt } from './new-attempt.ts'
import { nextJobs } from './next-jobs.ts'
import { queueJob } from './queue-job.ts'
import { shouldRetry } from './retry-policy.ts'
import { rollUp } from './roll-up.ts'

/** Far more rounds than a build has states to go through; beyond it something else is wrong. */
const mostRounds = 10_000

/**
 * Brings builds to where their jobs say they are: failed attempts begin anew, what is ready is queued, what can't run
 * is skipped, and the build's own state follows. Any process may do it at any time, as often as it likes: each step is
 * taken by one of them only, and what one leaves half done the next one ends. Settles what is waiting for these, too.
 */
export async function settleBuilds(parts: BuildParts, first: Iterable<string>): Promise<void> {
  const open = new Set(first)
  let rounds = 0
  for (const id of open) {
    open.delete(id)
    rounds += 1
    if (rounds > mostRounds) return aboutBuild(parts.log, { id }).error('builds do not settle')
    for (const more of await settleOnce(parts, id)) open.add(more)
  }
}

/** One look at a build; gives the builds that are to be looked at next, itself among them where it moved. */
async function settleOnce(parts: BuildParts, id: string): Promise<string[]> {
  const build = await parts.store.builds.get(id)
  if (build === undefined || build.jobs.length === 0) return []
  const jobs = await parts.store.jobs.ofBuild(id)
  if (jobs.length === 0) return []
  const moved = [
    ...(await retryErrored(parts, build, jobs)),
    ...(await skipUnmet(parts, build, jobs)),
    ...(needsApproval(build) ? [] : await queueReady(parts, build, jobs)),
  ]
  if (moved.length > 0) return moved
  return await followJobs(parts, build, jobs)
}

async function retryErrored(parts: BuildParts, build: Build, jobs: readonly BuildJob[]): Promise<string[]> {
  const retried = jobs.filter(shouldRetry)
  for (const job of retried) {
    const again = await parts.store.jobs.change(job.id, ['errored'], newAttempt(job), job.claim)
    if (again === undefined) continue
    aboutJob(parts.log, again).info({ failure: job.failure }, 'new attempt')
    await announceJob(parts, build, again)
  }
  return retried.map(() => build.id)
}

async function skipUnmet(parts: BuildParts, build: Build, jobs: readonly BuildJob[]): Promise<string[]> {
  // What gets another attempt is not yet a need that failed.
  const { skipped } = nextJobs(jobs.map((job) => (shouldRetry(job) ? { ...job, state: 'blocked' } : job)))
  const woken: string[] = []
  for (const { id, reason } of skipped) {
    const ended = parts.now().toISOString()
    const change = { state: 'skipped', reason, ended, waiting: undefined } as const
    const job = await parts.store.jobs.change(id, ['blocked'], change)
    woken.push(build.id)
    if (job === undefined) continue
    await announceJob(parts, build, job)
    woken.push(...(await leaveGroup(parts, job)))
  }
  return woken
}

async function queueReady(parts: BuildParts, build: Build, jobs: readonly BuildJob[]): Promise<string[]> {
  const { ready } = nextJobs(jobs)
  const moved: string[] = []
  for (const job of jobs.filter(({ id }) => ready.includes(id))) {
    moved.push(...(await queueJob(parts, build, job)))
  }
  return moved
}

/**
 * The build's state after its jobs'. The jobs may have moved on while it was written, so a build that was written is
 * looked at again: whoever writes last has seen the last of them.
 */
async function followJobs(parts: BuildParts, build: Build, jobs: readonly BuildJob[]): Promise<string[]> {
  const state = stateOf(build, jobs)
  if (state === build.state) return []
  const now = parts.now().toISOString()
  const started = build.started ?? (state === 'running' || startedOnce(jobs) ? now : undefined)
  const ended = isEnded(state) ? (build.ended ?? now) : undefined
  // Told first: a status told twice does no harm, one that is never told leaves a pull request waiting.
  await announceBuild(parts, { ...build, state, started, ended }, jobs)
  await parts.store.builds.update(build.id, { state, started, ended })
  await parts.bus.publish({ type: 'build', id: build.id })
  return [build.id]
}

function stateOf(build: Build, jobs: readonly BuildJob[]): BuildState {
  const state = rollUp(jobs)
  return needsApproval(build) && !isEnded(state) ? 'waiting' : state
}

function startedOnce(jobs: readonly BuildJob[]): boolean {
  return jobs.some(({ started }) => started !== undefined)
}
