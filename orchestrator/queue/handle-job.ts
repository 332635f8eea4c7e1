import { type Job, UnrecoverableError } from 'bullmq'
import { shortage } from './capacity.ts'
import { keepLock, type Lock } from './keep-lock.ts'
import { isLineOfHost, type JobIds, jobKey } from './queue-names.ts'
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
  const lock = keepLock({ job, token, lockMs: timing.lock, redis, prefix, isOurs: handling.isOurs, log })
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
    if (end === 'ended') return await complete(handling)
    return await job.moveToDelayed(Date.now() + (end === 'later' ? timing.later : timing.elsewhere), token)
  }
  if (await handling.isHeld?.(id)) return await hold(handling)
  if (await hand(handling)) return
  const waiting = shortage(room.free(), need, 'free')
  if (waiting !== undefined) await handling.onWaiting?.(id, waiting)
  const signal = AbortSignal.any([stopping, lock.signal])
  const release = await room.take(need, { signal, ms: timing.hold })
  if (release === undefined) {
    if (lock.signal.aborted) return
    if (isLineOfHost(job.queueName)) await handBack(handling)
    else await job.moveToWait(token)
    return
  }
  place()
  running.add(id)
  handling.onChange?.()
  try {
    const redelivered = job.stalledCounter > 0
    const began = performance.now()
    const end = await run({ id, attempt, redelivered, signal: AbortSignal.any([ending, lock.signal]) })
    if (lock.signal.aborted) return
    if (end === 'ended') {
      await complete(handling)
      await tellTime(handling, began)
    } else if (end === 'held') await hold(handling)
    else if (end === 'later')
      await unlessForgotten(handling, () => job.moveToDelayed(Date.now() + timing.later, token))
    else await unlessForgotten(handling, async () => void (await job.moveToWait(token)))
  } finally {
    running.delete(id)
    release()
    handling.onChange?.()
  }
}

/** Whether the job is another host's now, that has what it starts from. */
async function hand(handling: Handling): Promise<boolean> {
  const { job, timing, queue, log } = handling
  const { id, home } = job.data
  if (home !== undefined || handling.betterHost === undefined) return false
  const host = await handling.betterHost(id).catch(() => undefined)
  if (host === undefined) return false
  const entry = { line: job.queueName, name: job.id ?? '' }
  if (!(await queue.hand(entry, host))) return false
  await complete(handling)
  log.debug({ job: id, host }, 'handed to a host that has what it starts from')
  const late = setTimeout(() => {
    queue.recall(entry, host).catch((err: unknown) => log.debug({ err, job: id }, 'is recalled later'))
  }, timing.hand)
  late.unref()
  return true
}

// It had room when it was handed the job, and has not any more.
async function handBack(handling: Handling): Promise<void> {
  const { job, queue } = handling
  await queue.giveBack({ line: job.queueName, name: job.id ?? '' })
  await complete(handling)
}

// What the next jobs of the repository count for; nothing is lost where it can't be told.
async function tellTime({ job, queue, log }: Handling, began: number): Promise<void> {
  const { repository } = job.data
  if (repository === undefined) return
  const lane = { line: job.queueName, repository }
  await queue
    .took(lane, (performance.now() - began) / 1000)
    .catch((err: unknown) => log.debug({ err, repository }, 'the time of a job is not counted'))
}

async function complete(handling: Handling): Promise<void> {
  const { job, token } = handling
  await unlessForgotten(handling, async () => void (await job.moveToCompleted(undefined, token, false)))
}

/** In a Redis that was emptied, or where somebody else took it out of line, a job has no place that it could leave. */
async function unlessForgotten(
  { job, connection, prefix }: Handling,
  move: () => Promise<void>,
): Promise<void> {
  try {
    await move()
  } catch (error) {
    if ((await connection.exists(jobKey(prefix, { line: job.queueName, name: job.id ?? '' }))) === 1)
      throw error
  }
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
