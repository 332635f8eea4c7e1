import type { JobRecord } from '../../runner/job/job-record.ts'
import type { BuildJob } from '../model/build.ts'
import type { RunEnd } from '../queue/take-order.ts'
import type { Held } from './held-job.ts'
import { tellVerdict } from './tell-verdict.ts'

type Ending = Pick<JobRecord, 'verdict' | 'failure' | 'reason' | 'hint'>

/** Writes the verdict if the job is still ours, and tells those that wait for it. Whether it was ours. */
export async function endHeld(held: Held, ending: Ending): Promise<boolean> {
  const { parts, job, persist } = held
  const { failure, reason, hint } = ending
  const state = ending.verdict ?? 'errored'
  const change = { state, failure, reason, hint, ended: new Date().toISOString() }
  const ended = await tellVerdict({ parts, job, ending: change, write: () => write(held, change) })
  if (ended === 'kept') return false
  if (ended === undefined) {
    parts.log.warn('the verdict is not ours to write: another host has the job')
    return false
  }
  parts.log.info({ verdict: state, failure, reason }, 'a job has its verdict')
  await persist('telling a verdict', () => parts.builds.jobEnded(ended))
  return true
}

/** The job is as if it had never been taken, and the next host begins it anew. */
export async function putBack(held: Held, waiting = 'its host stopped; it is next'): Promise<RunEnd> {
  const back = await write(held, {
    state: 'queued',
    host: undefined,
    started: undefined,
    visit: undefined,
    waiting,
  })
  held.parts.log.info({ waiting }, 'put back')
  return back === undefined ? 'ended' : 'put-back'
}

/** The job as written; undefined where it is not ours any more. */
async function write(
  { parts, job, persist }: Held,
  change: Partial<BuildJob>,
): Promise<BuildJob | undefined> {
  const { jobs } = parts.store
  return await persist('writing where a job stands', async () => {
    const changed = await jobs.change(job.id, ['claimed', 'running'], change, job.claim)
    if (changed !== undefined) return changed
    // A try whose answer was lost wrote it all the same.
    const now = await jobs.get(job.id)
    const isWritten = now?.claim === job.claim && now.state === change.state && now.ended === change.ended
    return isWritten ? now : undefined
  })
}
