import { type BuildJob, isEnded, type JobState } from '../model/build.ts'

type JobOfBuild = Pick<BuildJob, 'id' | 'name' | 'needs' | 'state'>

export type NextJobs = {
  /** Nothing of their build keeps these from running. */
  readonly ready: readonly string[]
  /** These never will, as something they need did not pass; each with what to tell. */
  readonly skipped: readonly { readonly id: string; readonly reason: string }[]
}

/**
 * What follows from how the jobs of a build stand. A job that is to be skipped counts as skipped for those that need
 * it, so one look settles whole chains.
 */
export function nextJobs(jobs: readonly JobOfBuild[]): NextJobs {
  const byId = new Map(jobs.map((job) => [job.id, job]))
  const states = new Map<string, JobState>(jobs.map((job) => [job.id, job.state]))
  const skipped: { id: string; reason: string }[] = []
  const dependents = dependentsOf(jobs)
  // Work list instead of recursion: a file may chain hundreds of jobs.
  const open = jobs.filter(({ state }) => state === 'blocked')
  for (const job of open) {
    if (states.get(job.id) !== 'blocked') continue
    const unmet = job.needs.find((need) => isUnmet(states.get(need)))
    if (unmet === undefined) continue
    const state = states.get(unmet) ?? 'skipped'
    skipped.push({ id: job.id, reason: `needs ${byId.get(unmet)?.name ?? unmet}, which ${ended(state)}` })
    states.set(job.id, 'skipped')
    open.push(...(dependents.get(job.id) ?? []))
  }
  const ready = jobs.filter(
    ({ id, needs }) => states.get(id) === 'blocked' && needs.every((need) => states.get(need) === 'passed'),
  )
  return { ready: ready.map(({ id }) => id), skipped }
}

// A need that is not there can't pass any more either.
function isUnmet(state: JobState | undefined): boolean {
  return state === undefined || (isEnded(state) && state !== 'passed')
}

function ended(state: JobState): string {
  return state === 'failed' || state === 'errored'
    ? state
    : state === 'timed-out'
      ? 'timed out'
      : `was ${state}`
}

function dependentsOf(jobs: readonly JobOfBuild[]): Map<string, JobOfBuild[]> {
  const dependents = new Map<string, JobOfBuild[]>()
  for (const job of jobs) {
    for (const need of job.needs) dependents.set(need, [...(dependents.get(need) ?? []), job])
  }
  return dependents
}
