import { type Job, UnrecoverableError } from 'bullmq'
import { shortage } from './capacity.ts'
import { keepLock, type Lock } from './keep-lock.ts'
import type { JobIds } from './queue-names.ts'
import type { Room } from './room.ts'
import type { TakeOrder, TakeTiming } from './take-order.ts'

type Handling = Omit<TakeOrder, 'timing'> & {
  readonly job: Job<JobIds, void, 'job'>
  readonly token: string
  readonly room: Room
  /** Ids of the jobs that run here. */
  readonly running: Set<string>
  readonly timing: TakeTiming
  /** Nothing new begins. */
  readonly stopping: AbortSignal
  /** What runs has to end. */
  readonly ending: AbortSignal
}

type Handled = {
  /** The next job may be taken: this one runs, or does not. */
  readonly placed: Promise<void>
  /** All is over; never rejects. */
  readonly done: Promise<void>
}

/** Sees one taken job to its end in the queue: done, put back, tried again, or poison. */
export function handleJob(handling: Handling): Handled {
  const { job, token, timing, connection: redis, prefix, log } = handling
  const lock = keepLock({ job, token, lockMs: timing.lock, redis, prefix, log })
  let place: () => void = () => undefined
  const placed = new Promise<void>((resolve) => {
    place = resolve
  })
  const done = live(handling, lock, place)
    .catch((error: unknown) => fail(handling, lock, error))
    .catch((error: unknown) =>
      log.warn({ err: error, job: job.data.id }, 'the queue did not take a job back'),
    )
    .finally(() => {
      lock.end()
      place()
    })
  return { placed, done }
}

async function live(handling: Handling, lock: Lock, place: () => void): Promise<void> {
  const { job, token, room, timing, stopping, ending, running, run } = handling
  const { id, attempt } = job.data
  // BullMQ counts hosts that a job lost, and leaves it to whoever takes it next to fail it.
  if (job.deferredFailure) return await poison(handling, job.deferredFailure)
  const need = await handling.needs(id)
  if (need === undefined) return await complete(handling)
  const misfit = shortage(handling.capacity, need, 'total')
  if (misfit !== undefined) {
    const end = await handling.onMisfit(id, misfit)
    return end === 'ended'
      ? await complete(handling)
      : await job.moveToDelayed(Date.now() + timing.elsewhere, token)
  }
  if (await handling.isHeld?.(id)) return await hold(handling)
  const waiting = shortage(room.free(), need, 'free')
  if (waiting !== undefined) await handling.onWaiting?.(id, waiting)
  const signal = AbortSignal.any([stopping, lock.signal])
  const release = await room.take(need, { signal, ms: timing.hold })
  if (release === undefined) {
    if (!lock.signal.aborted) await job.moveToWait(token)
    return
  }
  place()
  running.add(id)
  handling.onChange?.()
  try {
    const redelivered = job.stalledCounter > 0
    const end = await run({ id, attempt, redelivered, signal: AbortSignal.any([ending, lock.signal]) })
    if (lock.signal.aborted) return
    if (end === 'ended') await complete(handling)
    else if (end === 'held') await hold(handling)
    else await job.moveToWait(token)
  } finally {
    running.delete(id)
    release()
    handling.onChange?.()
  }
}

async function complete({ job, token }: Handling): Promise<void> {
  await job.moveToCompleted(undefined, token, false)
}

// Out of the line first: only then can it be put there again.
async function hold(handling: Handling): Promise<void> {
  const { job, onHeld, log } = handling
  await complete(handling)
  try {
    await onHeld?.(job.data.id)
  } catch (error) {
    log.warn({ err: error, job: job.data.id }, 'a held job waits for the next recovery')
  }
}

// Told first and removed afterwards, so that a crash between the two tells it twice and not never.
async function poison({ job, token, onPoison }: Handling, reason: string): Promise<void> {
  await onPoison(job.data.id, reason)
  await job.moveToFailed(new UnrecoverableError('poison'), token, false)
}

async function fail(handling: Handling, lock: Lock, error: unknown): Promise<void> {
  const { job, token, log } = handling
  log.error({ err: error, job: job.data.id, tried: job.attemptsMade + 1 }, 'a job could not be handled')
  if (lock.signal.aborted) return
  const reason = error instanceof Error ? error.message : String(error)
  if (job.attemptsMade + 1 >= (job.opts.attempts ?? 1)) await poison(handling, reason)
  // The reason may quote anything, so it is not written to the queue.
  else await job.moveToFailed(new Error('to be tried again'), token, false)
}
