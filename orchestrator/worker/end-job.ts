import type { FailureClass } from '../../config/errors.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { WorkerParts } from './worker-parts.ts'

type EndJob = {
  parts: WorkerParts
  id: string
  failure: FailureClass
  reason: string
  /** Only where it has this one still. */
  claim?: number
}

/** Ends a job that never came to a verdict of its own, and tells those that wait for it. */
export async function endJob({ parts, id, failure, reason, claim }: EndJob): Promise<void> {
  const { store, builds, log } = parts
  const change = { state: 'errored' as const, failure, reason, ended: new Date().toISOString() }
  const ended = await store.jobs.change(id, ['queued', 'claimed', 'running'], change, claim)
  if (ended === undefined) return
  aboutJob(log, ended).warn({ failure, reason }, 'a job was ended from outside')
  await builds.jobEnded(ended)
}
