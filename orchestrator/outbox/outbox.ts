import type { Job } from 'bullmq'
import { DelayedError, Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import { createPromoteLate } from '../queue/promote-late.ts'
import { workerLocks } from '../redis/worker-locks.ts'
import type { LaneStore } from './lane-store.ts'
import { createLaneStore } from './lane-store.ts'
import { retryDelay } from './retry-delay.ts'
import { createSteadyAges, type SteadyAges } from './steady-ages.ts'
import { createTurns, type Turns } from './turns.ts'

/** What became of one try at sending. */
export type Sent =
  | { readonly kind: 'sent' }
  /** No try will ever be better; the note says why. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Try again, not before so many ms where the other side said so. */
  | { readonly kind: 'later'; readonly reason: string; readonly wait?: number | undefined }

/**
 * Things to tell somebody else over HTTP, kept in Redis until they are told, at least once, and in order within a
 * lane. While all goes well each item of a lane is sent; once a try has failed, only the newest of what has gathered
 * is, for it makes the older ones untrue.
 */
export type Outbox<Item> = {
  /**
   * Resolves when the item is kept. Items hold no secrets: they are in Redis as they are. With a mark, nothing is done
   * where the last item that the lane took with one had the same: it says the same again.
   */
  put(lane: string, item: Item, mark?: string): Promise<void>
  /** Takes nothing new and waits for the tries under way. */
  close(): Promise<void>
}

export type OutboxOptions<Item> = {
  /** With `maxRetriesPerRequest: null`. Left open by `close`. */
  connection: Redis
  /** Of all keys, such as `mayfly`. */
  prefix: string
  /** Of the queue and its keys. */
  name: string
  /** Bounded in time by itself; what it throws means `later`. */
  send: (item: Item) => Promise<Sent>
  /** Hears of an item that was sent, or that no try will ever get through; what it throws is logged. */
  onSettled?: ((item: Item) => Promise<void>) | undefined
  /** Who gets the item, in a word: one that does not answer holds up its own items only. */
  whose: (item: Item) => string
  now: () => Date
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  monotonic?: (() => number) | undefined
  log: Logger
  limits?: Partial<OutboxLimits>
}

export type OutboxLimits = {
  /** Lanes that are sent from at a time. @defaultValue 32 */
  readonly concurrency: number
  /** Lanes of one receiver that are sent from at a time. @defaultValue 4 */
  readonly perReceiver: number
  /** ms after which an item is given up. @defaultValue a day */
  readonly giveUp: number
  /** ms before the second try, doubled for each further one. @defaultValue 1 s */
  readonly firstRetry: number
  /** ms that a retry waits at most, unless the other side asked for longer. @defaultValue 10 min */
  readonly lastRetry: number
  /** ms between looks for lanes that nobody works on. @defaultValue 30 s */
  readonly sweep: number
}

const defaultLimits: OutboxLimits = {
  concurrency: 32,
  perReceiver: 4,
  giveUp: 86_400_000,
  firstRetry: 1000,
  lastRetry: 600_000,
  sweep: 30_000,
}

/** ms that a lane waits, at least, for those of the same receiver that are under way. */
const turnMs = 100

type LaneJob = { readonly lane: string; readonly tries: number }

/** Starts to send what is kept from before at once. */
export function createOutbox<Item>(options: OutboxOptions<Item>): Outbox<Item> {
  const { connection, prefix, name, log } = options
  const limits = { ...defaultLimits, ...options.limits }
  const lanes = createLaneStore<Item>(connection, `${prefix}:outbox:${name}`)
  const turns = createTurns(limits.perReceiver)
  const ages = createSteadyAges(options)
  let closing = false
  const queue = new Queue<LaneJob>(name, { connection, prefix })
  const promoteLate = createPromoteLate({ queue, monotonic: options.monotonic })
  const wake = (lane: string) =>
    queue.add('lane', { lane, tries: 0 }, { jobId: jobId(lane), removeOnComplete: true, removeOnFail: true })
  const worker = new Worker<LaneJob>(
    name,
    (job, token) =>
      workLane({ ...options, job, token, lanes, turns, ages, limits, isClosing: () => closing }),
    { connection, prefix, concurrency: limits.concurrency, ...workerLocks, maxStalledCount: 1_000_000 },
  )
  // An item that came while its lane's job was about to end did not wake anybody: the job's id was taken.
  const wakeIfLeft = async (lane: string) => {
    if (await lanes.hasItems(lane)) await wake(lane)
  }
  const sweep = async () => {
    for (const lane of await lanes.open()) await wake(lane)
    await promoteLate()
  }
  const inBackground = (work: Promise<unknown>) =>
    work.catch((err: unknown) => {
      if (!closing) log.warn({ err, outbox: name }, 'the outbox met an error')
    })
  worker.on('completed', (job) => inBackground(wakeIfLeft(job.data.lane)))
  worker.on('error', (error) => inBackground(Promise.reject(error)))
  queue.on('error', (error) => inBackground(Promise.reject(error)))
  void inBackground(sweep())
  const timer = setInterval(() => void inBackground(sweep()), limits.sweep)
  return {
    put: async (lane, item, mark = '') => {
      await lanes.push(lane, { id: ulid(), at: options.now().getTime(), item }, mark)
      await wake(lane)
    },
    close: async () => {
      clearInterval(timer)
      closing = true
      await worker.close()
      await queue.close()
    },
  }
}

// Lanes are hashes and ids, but BullMQ takes neither a colon nor digits alone.
function jobId(lane: string): string {
  return `lane-${lane.replaceAll(':', '-')}`
}

async function workLane<Item>(
  work: Omit<OutboxOptions<Item>, 'limits'> & {
    job: Job<LaneJob>
    token: string | undefined
    lanes: LaneStore<Item>
    turns: Turns
    ages: SteadyAges
    limits: OutboxLimits
    isClosing: () => boolean
  },
): Promise<void> {
  const { job, token, lanes, turns, ages, limits, isClosing, log, name, whose } = work
  const { lane } = job.data
  let tries = job.data.tries
  const sleep = async (ms: number): Promise<never> => {
    await job.moveToDelayed(Date.now() + ms, token)
    throw new DelayedError()
  }
  for (;;) {
    if (isClosing()) await sleep(0)
    if (tries > 0) await lanes.keepNewest(lane)
    const head = await lanes.head(lane)
    if (head === undefined) return
    const { item, at, id } = head.kept
    const giveBack = turns.take(whose(item))
    if (giveBack === undefined) return await sleep(turnMs * (1 + Math.random()))
    const age = ages.of(id, at)
    const result = await trySend(work.send, item).finally(giveBack)
    if (result.kind === 'later' && age < limits.giveUp) {
      tries += 1
      const wait = retryDelay({ tries, limits, asked: result.wait })
      log.info({ outbox: name, lane, tried: tries, wait, reason: result.reason }, 'not sent yet')
      await job.updateData({ lane, tries })
      await sleep(wait)
    }
    if (result.kind === 'later')
      log.warn(
        { outbox: name, lane, tried: tries, reason: result.reason },
        `given up after ${Math.round(age / 1000)} s`,
      )
    if (result.kind === 'refused')
      log.warn({ outbox: name, lane, reason: result.reason }, 'refused, not sent')
    if (tries > 0) await job.updateData({ lane, tries: 0 })
    tries = 0
    await work
      .onSettled?.(item)
      .catch((error: unknown) =>
        log.warn({ err: error, outbox: name, lane }, 'it is not noted what was told'),
      )
    ages.forget(id)
    await lanes.drop(lane, head.raw)
  }
}

async function trySend<Item>(send: OutboxOptions<Item>['send'], item: Item): Promise<Sent> {
  try {
    return await send(item)
  } catch (error) {
    return { kind: 'later', reason: error instanceof Error ? error.message : String(error) }
  }
}
