import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, Worker } from 'bullmq'
import type { Logger } from 'pino'
import { HostStopping } from './abort-causes.ts'
import { handleJob } from './handle-job.ts'
import { type JobIds, queueName } from './queue-names.ts'
import { createRoom } from './room.ts'
import type { JobTaker, TakeOrder, TakeTiming } from './take-order.ts'

const defaults: TakeTiming = { lock: 30_000, stalledCheck: 30_000, stalls: 2, hold: 10_000, elsewhere: 2000 }

/** Time for aborted runs to destroy their machines, ms. */
const abortMs = 30_000

/**
 * Takes jobs off the line one after the other and runs as many at once as fit on this host. The one whose turn it is
 * waits for its room, so that small jobs don't starve a large one.
 */
export function takeJobs(order: TakeOrder): JobTaker {
  const { connection, prefix, capacity, log } = order
  const timing = { ...defaults, ...order.timing }
  const room = createRoom(capacity)
  const stopping = new AbortController()
  const ending = new AbortController()
  const runs = new Map<string, Promise<void>>()
  const running = new Set<string>()
  const worker = new Worker<JobIds, void, 'job'>(queueName, null, {
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

  const loop = async () => {
    while (!stopping.signal.aborted) {
      await room.untilSome(stopping.signal)
      if (stopping.signal.aborted) return
      const token = randomUUID()
      const job = await nextJob(worker, token, log)
      if (job?.id === undefined) continue
      // Our own run of the same attempt, whose lock was lost, ends before it begins again here.
      await runs.get(job.id)
      const handled = handleJob({
        ...order,
        timing,
        job,
        token,
        room,
        running,
        stopping: stopping.signal,
        ending: ending.signal,
      })
      const done = handled.done.finally(() => runs.delete(job.id ?? ''))
      runs.set(job.id, done)
      await handled.placed
    }
  }
  worker
    .startStalledCheckTimer()
    .catch((error: unknown) => log.error({ err: error }, 'lost hosts go unnoticed'))
  const looping = loop()

  const finish = async ({ graceMs }: { graceMs: number }) => {
    stopping.abort(new HostStopping('this host is stopping'))
    const all = looping.then(() => Promise.all(runs.values()))
    if (!(await within(graceMs, all))) {
      ending.abort(new HostStopping('this host is stopping'))
      const left = (await within(abortMs, all)) ? [] : [...running]
      if (left.length > 0)
        log.error({ jobs: left }, 'jobs did not end in time: another host takes them later')
    }
    await within(5000, worker.close(true))
  }
  let stopped: Promise<void> | undefined
  const stop = (bound: { graceMs: number }) => {
    stopped ??= finish(bound)
    return stopped
  }
  order.signal?.addEventListener('abort', () => void stop({ graceMs: 0 }), { once: true })
  if (order.signal?.aborted) void stop({ graceMs: 0 })
  return { free: room.free, running: () => [...running], stop }
}

type QueuedJob = Job<JobIds, void, 'job'>

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

/** Whether the work ended in time. */
async function within(ms: number, work: Promise<unknown>): Promise<boolean> {
  const timer = new AbortController()
  const late = sleep(ms, false, { signal: timer.signal }).catch(() => false)
  const done = await Promise.race([
    work.then(
      () => true,
      () => true,
    ),
    late,
  ])
  timer.abort()
  return done
}
