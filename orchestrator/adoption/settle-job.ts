import { jobFolderPath } from '../../runner/job/filenames.ts'
import { pastPhase, readEvents } from '../../runner/job/past.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { BuildJob } from '../model/build.ts'
import { attemptId } from '../worker/attempt-id.ts'
import type { GoneProcess } from './processes.ts'
import type { TakeUpLeft } from './take-up-left.ts'

type Options = Pick<TakeUpLeft, 'archiveFolder' | 'store' | 'queue' | 'builds' | 'log'>

/** How often a job may lose its process before that is taken for its own doing. */
const mostRestarts = 3

/**
 * Settles a job whose process is gone and that has no machine any more: it gets the verdict that it had come to; one none
 * of whose steps began, or that was left by a process which was told to stop, is put back in line, for its end is not its
 * own doing; else it is `errored`.
 */
export async function settleJob(
  options: Options,
  job: BuildJob,
  { leftJobs }: Pick<GoneProcess, 'leftJobs'>,
): Promise<void> {
  const { archiveFolder, store, queue, builds, log } = options
  const events = await readEvents(jobFolderPath(archiveFolder, attemptId(job)))
  const verdict = events.findLast((event) => event.type === 'verdict')
  const restarts = (job.restarts ?? 0) + (leftJobs ? 0 : 1)
  const hadBegun = pastPhase({ events }, 'steps') !== undefined
  const isOver = verdict !== undefined || (hadBegun && !leftJobs) || restarts > mostRestarts
  await queue.drop(job)
  if (isOver) {
    const { verdict: state, failure, reason, hint } = verdict ?? lost(restarts)
    const ended = new Date().toISOString()
    const change = { state, failure, reason, hint, ended }
    const settled = await store.jobs.change(job.id, ['claimed', 'running'], change, job.claim)
    if (settled !== undefined) await builds.jobEnded(settled)
    aboutJob(log, job).warn({ state, reason }, 'its process is gone')
    return
  }
  const waiting = 'its host was restarted; it is next'
  const change = {
    state: 'queued',
    ...{ host: undefined, started: undefined, visit: undefined },
    ...{ waiting, restarts },
  } as const
  const back = await store.jobs.change(job.id, ['claimed', 'running'], change, job.claim)
  if (back !== undefined) await queue.addAhead(back)
  aboutJob(log, job).info('put back: its process is gone')
}

function lost(restarts: number) {
  return {
    verdict: 'errored',
    failure: 'host-lost',
    reason:
      restarts > mostRestarts
        ? `the server was killed ${restarts} times while it ran this job`
        : 'the server was killed while the job ran, and its machine ended before it was back',
    hint: undefined,
  } as const
}
