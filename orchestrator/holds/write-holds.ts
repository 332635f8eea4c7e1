import type { Logger } from 'pino'
import { aboutJob } from '../logs/about-job.ts'
import { type BuildJob, endStates, type JobHold } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { KeptJobs } from './kept-jobs.ts'

type Options = {
  readonly store: { readonly jobs: Pick<Store['jobs'], 'change'> }
  readonly kept: Pick<KeptJobs, 'add'>
  readonly log: Logger
}

/** What becomes of a job's machine, on the job's record; what cannot be written is logged. Never rejects. */
export type WriteHold = (job: BuildJob, hold: JobHold) => Promise<void>

export function writeHolds({ store, kept, log }: Options): WriteHold {
  // With the claim, so that it is never said of a later attempt.
  const write = async (job: BuildJob, hold: JobHold) => {
    const changed = await store.jobs.change(job.id, endStates, { hold }, job.claim)
    if (changed === undefined) aboutJob(log, job).warn('a kept machine whose job has no verdict any more')
  }
  return async (job, hold) => {
    await Promise.all([write(job, hold), kept.add(job.id)]).catch((err: unknown) =>
      aboutJob(log, job).warn({ err }, 'what is kept could not be written down'),
    )
  }
}
