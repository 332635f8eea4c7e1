import type { Job } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { LockLost } from './abort-causes.ts'
import { type JobIds, lockNames } from './queue-names.ts'

type Held = {
  readonly job: Job<JobIds, void, 'job'>
  readonly token: string
  /** milliseconds a lock lasts without renewal */
  readonly lockMs: number
  readonly redis: Redis
  readonly prefix: string
  /** As in `TakeOrder`. */
  readonly isOurs: ((id: string) => Promise<boolean>) | undefined
  readonly log: Logger
}

export type Lock = {
  /** Aborted with `LockLost` when somebody else has the job. */
  readonly signal: AbortSignal
  /** Stops renewing. */
  end(): void
}

/**
 * Renews a job's lock each third of its life. Redis being away is no loss, nor is it that the queue forgot the job or
 * gave it to somebody who left it to us: only another owner is.
 */
export function keepLock(held: Held): Lock {
  const { job, token, lockMs, isOurs, log } = held
  const lost = new AbortController()
  let renewing = false
  const isKept = async () =>
    (await job.extendLock(token, lockMs)) === 1 ||
    (await regainLock(held)) ||
    ((await isOurs?.(job.data.id)) ?? false)
  const renew = async () => {
    if (renewing) return
    renewing = true
    try {
      if ((await isKept()) || lost.signal.aborted) return
      clearInterval(timer)
      lost.abort(new LockLost('another host has taken the job over'))
    } catch (error) {
      log.warn({ err: error, job: job.data.id }, 'the lock of a job was not renewed')
    } finally {
      renewing = false
    }
  }
  const timer = setInterval(() => void renew(), lockMs / 3)
  return { signal: lost.signal, end: () => clearInterval(timer) }
}

/**
 * Takes a lock anew that ran out while Redis was away or we were asleep, unless somebody else was given the job
 * meanwhile. A checker for stalled jobs leaves a job alone once it has a lock, so lock first and look afterwards.
 */
async function regainLock({ job, token, lockMs, redis, prefix }: Held): Promise<boolean> {
  const { lock, active } = lockNames(prefix, { line: job.queueName, name: job.id ?? '' })
  if ((await redis.set(lock, token, 'PX', lockMs, 'NX')) === null) return false
  const answers = await redis
    .multi()
    .lpos(active, job.id ?? '')
    .get(lock)
    .exec()
  const [position, owner] = (answers ?? []).map(([, answer]) => answer)
  if (owner !== token) return false
  if (position !== null) return true
  await redis.del(lock)
  return false
}
