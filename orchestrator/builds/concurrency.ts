import type { Concurrency } from '../../config/pipeline/pipeline.ts'
import type { BuildJob } from '../model/build.ts'
import type { Trigger } from '../model/trigger.ts'
import { fillIn } from './fill-in.ts'

type ResolveGroup = {
  concurrency: Concurrency
  /** Name of the job, matrix values included. */
  job: string
  trigger: Pick<Trigger, 'event' | 'branch' | 'tag' | 'ref' | 'pullRequest'>
}

/**
 * A group with the values of this build in the place of `${branch}` (`pull/7` for a pull request, so that neither a
 * push nor another pull request is in its way), `${tag}`, `${ref}`, `${event}`, `${pull_request}` (its number) and
 * `${job}`; what there isn't is empty.
 */
export function resolveGroup({ concurrency, job, trigger }: ResolveGroup): Concurrency {
  const { pullRequest } = trigger
  const values = new Map([
    ['branch', pullRequest === undefined ? (trigger.branch ?? '') : `pull/${pullRequest.number}`],
    ['tag', trigger.tag ?? ''],
    ['ref', trigger.ref],
    ['event', trigger.event],
    ['pull_request', pullRequest === undefined ? '' : String(pullRequest.number)],
    ['job', job],
  ])
  return { ...concurrency, group: fillIn(concurrency.group, values) }
}

/** The key of a job's group, which is its repository's own; undefined for a job of no group. */
export function groupOf({ repository, job }: Pick<BuildJob, 'repository' | 'job'>): string | undefined {
  return job.concurrency && `${repository}/${job.concurrency.group}`
}

/**
 * What a job does that is ready while another one holds its group: `wait`, `cancel-holder`, or `give-way` where the
 * holder is of a newer build, for a newer result is not to be undone by an older one. Ids of builds sort by time.
 */
export function contend(
  job: Pick<BuildJob, 'build' | 'job'>,
  holder: Pick<BuildJob, 'build'>,
): 'wait' | 'cancel-holder' | 'give-way' {
  if (job.job.concurrency?.cancel !== true || job.build === holder.build) return 'wait'
  return holder.build < job.build ? 'cancel-holder' : 'give-way'
}
