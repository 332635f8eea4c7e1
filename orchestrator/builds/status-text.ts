import { formatDuration } from '../../config/duration.ts'
import type { Verdict } from '../../runner/job/verdict.ts'
import { type Build, type BuildJob, isEnded } from '../model/build.ts'
import { problemLine } from './problem-text.ts'
import { rollUp } from './roll-up.ts'

/** A job's status in a few words for the forge's page. */
export function jobStatusText(job: BuildJob): string {
  const { state, attempt, waiting, host, reason, failure } = job
  const again = attempt > 1 ? ` (attempt ${attempt})` : ''
  if (state === 'blocked') return `${waiting ?? 'queued'}${again}`
  if (state === 'queued' || state === 'claimed') return `queued${again}`
  if (state === 'running') return `runs${host === undefined ? '' : ` on ${host}`}${again}`
  if (state === 'passed') return `passed${took(job)}${again}`
  const why = [failure, reason].filter(Boolean).join(': ')
  return `${state}${why === '' ? '' : `: ${why}`}${again}`
}

/** A build's status in a few words: the problem, or what kept it from passing, or the count of its jobs. */
export function buildStatusText(build: Build, jobs: readonly BuildJob[]): string {
  if (build.problem !== undefined) return problemLine(build.problem)
  if (build.state === 'waiting') return 'waits for approval by someone with write access'
  if (build.state === 'queued') return `queued, ${counted(jobs.length)}`
  if (build.state === 'running') {
    return `runs, ${jobs.filter(({ state }) => isEnded(state)).length} of ${counted(jobs.length)} done`
  }
  const decisive = jobs.find(({ state }) => state === build.state)
  if (build.state !== 'passed' && build.state !== 'skipped' && decisive !== undefined) {
    return jobs.length === 1 ? jobStatusText(decisive) : `${decisive.name} ${jobStatusText(decisive)}`
  }
  return `${tally(jobs)}${took(build)}`
}

const tallied: readonly Verdict[] = ['passed', 'failed', 'timed-out', 'errored', 'cancelled', 'skipped']

function tally(jobs: readonly BuildJob[]): string {
  if (jobs.length === 1) return rollUp(jobs)
  return tallied
    .map((verdict) => ({ verdict, count: jobs.filter(({ state }) => state === verdict).length }))
    .filter(({ count }) => count > 0)
    .map(({ verdict, count }) => `${count} ${verdict}`)
    .join(', ')
}

function took({ started, ended }: Pick<Build, 'started' | 'ended'>): string {
  if (started === undefined || ended === undefined) return ''
  return ` in ${formatDuration(Date.parse(ended) - Date.parse(started))}`
}

function counted(jobs: number): string {
  return jobs === 1 ? '1 job' : `${jobs} jobs`
}
