import { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { createPromoteLate } from '../queue/promote-late.ts'

/** The deliveries that wait to be worked on, by id. */
export type DeliveryQueue = {
  /** Puts a delivery in line; one that is there already is left as it is. */
  add(id: string): Promise<void>
  /** Brings back those that wait for another try for longer than they were to; to be called now and then. */
  promoteLate(): Promise<void>
  /** How many wait. */
  waiting(): Promise<number>
  close(): Promise<void>
}

export const deliveryQueueName = 'deliveries'

export function createDeliveryQueue(options: {
  /** Left open by `close`. */
  connection: Redis
  prefix: string
  /** Tries where the store or a clone fails. @defaultValue 8, in about six minutes */
  attempts?: number
  /** ms before the second try, doubled for each further one. @defaultValue 3 s */
  delay?: number
}): DeliveryQueue {
  const { connection, prefix, attempts = 8, delay = 3000 } = options
  const queue = new Queue<{ id: string }>(deliveryQueueName, { connection, prefix })
  // Errors of the connection are told by the command that met them.
  queue.on('error', () => undefined)
  return {
    add: async (id) => {
      await queue.add(
        'delivery',
        { id },
        {
          // BullMQ takes no id of digits alone, which a ULID could be.
          jobId: `delivery-${id}`,
          attempts,
          backoff: { type: 'exponential', delay, jitter: 0.5 },
          removeOnComplete: true,
          removeOnFail: true,
        },
      )
    },
    promoteLate: createPromoteLate({ queue }),
    waiting: () => queue.getWaitingCount(),
    close: () => queue.close(),
  }
}
