import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { JobIds } from './queue-names.ts'
import type { TakeTiming } from './take-order.ts'

export type QueuedJob = Job<JobIds, void, 'job'>

type TakeLine = {
  readonly connection: Redis
  readonly prefix: string
  readonly line: string
  readonly timing: TakeTiming
  /** Resolves when another job may be taken, or with the signal. */
  readonly untilClear: () => Promise<void>
  /** Resolves when the next one may be. */
  readonly handle: (job: QueuedJob, token: string) => Promise<void>
  readonly log: Logger
  readonly signal: AbortSignal
}

/** Time for a worker to close, ms. */
const closeMs = 5000

/**
 * Takes the jobs of one line until the signal is aborted, and looks for those that lost their host until what it gives is
 * called, which is once the jobs that were taken are over. Rejects never.
 */
export async function takeLine(options: TakeLine): Promise<() => Promise<void>> {
  const { connection, prefix, line, timing, untilClear, handle, log, signal } = options
  const worker = new Worker<JobIds, void, 'job'>(line, null, {
    connection,
    prefix,
    autorun: false,
    lockDuration: timing.lock,
    stalledInterval: timing.stalledCheck,
    maxStalledCount: timing.stalls,
    // Seconds of waiting at Redis for the next job: bounds how long a stop waits for the loop.
    drainDelay: 1,
  })
  worker.on('error', (error) => log.debug({ err: error }, 'the worker has trouble with Redis'))
  worker.on('stalled', (name) => log.warn({ queued: name }, 'a job lost its host and is in line again'))
  worker
    .startStalledCheckTimer()
    .catch((error: unknown) => log.error({ err: error }, 'lost hosts go unnoticed'))
  while (!signal.aborted) {
    await untilClear()
    if (signal.aborted) break
    const token = randomUUID()
    const job = await nextJob(worker, token, log)
    if (job?.id !== undefined) await handle(job, token)
  }
  return async () => await Promise.race([worker.close(true), sleep(closeMs, undefined, { ref: false })])
}

async function nextJob(
  worker: Worker<JobIds, void, 'job'>,
  token: string,
  log: Logger,
): Promise<QueuedJob | undefined> {
  try {
    return await worker.getNextJob(token)
  } catch (error) {
    log.warn({ err: error }, 'the next job could not be taken')
    await sleep(500)
    return undefined
  }
}
