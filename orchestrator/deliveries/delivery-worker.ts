import { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Store } from '../model/store.ts'
import { workerLocks } from '../redis/worker-locks.ts'
import type { DeliveryQueue } from './delivery-queue.ts'
import { deliveryQueueName } from './delivery-queue.ts'
import { leftDeliveries } from './left-deliveries.ts'
import { failed } from './process-delivery.ts'

export type DeliveryWorker = {
  /** Takes no more, and waits for what is under way. */
  close(): Promise<void>
}

/** Deliveries in line beyond which nobody looks for such as were left. */
const busy = 500

/**
 * Works on deliveries one after the other within a repository, several repositories at a time. Finds those that were
 * recorded and never put in line, at start and from time to time.
 */
export function startDeliveryWorker(options: {
  /** With `maxRetriesPerRequest: null`. Left open by `close`. */
  connection: Redis
  prefix: string
  store: Pick<Store, 'deliveries'>
  queue: DeliveryQueue
  /** `processDelivery` with its parts. */
  process: (id: string) => Promise<void>
  log: Logger
  /** @defaultValue 32 */
  concurrency?: number
  /** ms between looks for what was left. @defaultValue 30 s */
  sweep?: number
}): DeliveryWorker {
  const { connection, prefix, store, queue, log, concurrency = 32, sweep = 30_000 } = options
  const inTurn = createTurns()
  const worker = new Worker<{ id: string }>(
    deliveryQueueName,
    async (job) => {
      const { id } = job.data
      const delivery = await store.deliveries.get(id)
      if (delivery === undefined) return
      try {
        await inTurn(delivery.repository ?? id, () => options.process(id))
      } catch (error) {
        log.warn({ delivery: id, err: error, tried: job.attemptsMade + 1 }, 'a delivery failed')
        if (job.attemptsMade + 1 < (job.opts.attempts ?? 1)) throw error
        const { verdict, reasons } = failed(error)
        await store.deliveries.update(id, { verdict, reasons: [...delivery.reasons, ...reasons] })
      }
    },
    // A delivery whose worker was killed is taken up again however often that was: its work bears repetition.
    { connection, prefix, concurrency, ...workerLocks, maxStalledCount: 1_000_000 },
  )
  worker.on('error', (err) => log.warn({ err }, 'the delivery worker met an error'))
  const takeUpLeft = async () => {
    await queue.promoteLate()
    // Most of what has no verdict then is in line, and putting it there again only costs.
    if ((await queue.waiting()) > busy) return
    for (const id of await leftDeliveries(store)) await queue.add(id)
  }
  let closing = false
  const look = () =>
    takeUpLeft().catch((err: unknown) => {
      if (!closing) log.warn({ err }, 'could not look for deliveries that were left')
    })
  void look()
  const timer = setInterval(() => void look(), sweep)
  return {
    close: async () => {
      closing = true
      clearInterval(timer)
      await worker.close()
    },
  }
}

/** Runs the work of one key in the order in which it came, that of others beside it. */
function createTurns(): (key: string, work: () => Promise<void>) => Promise<void> {
  const last = new Map<string, Promise<void>>()
  return (key, work) => {
    const before = last.get(key) ?? Promise.resolve()
    const turn = before.then(work, work)
    const settled = turn.catch(() => undefined)
    last.set(key, settled)
    void settled.then(() => {
      if (last.get(key) === settled) last.delete(key)
    })
    return turn
  }
}
