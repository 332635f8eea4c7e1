import type { Redis } from 'ioredis'
import type { Build, BuildJob } from '../model/build.ts'
import type { Delivery } from '../model/delivery.ts'
import { buildFields, buildPlace } from './build-records.ts'
import { deliveryRecords } from './delivery-records.ts'
import { jobPlace } from './job-records.ts'
import { toFields } from './record-fields.ts'
import { type RestoreOrder, withScripts } from './scripts.ts'
import { storeKeys } from './store-keys.ts'

/** Puts back what Redis has lost. What it has is never replaced by what is older, so that it may be done at any time. */
export type RestoreRecords = {
  /** Ids of those that were written. */
  build(build: Build, jobs: readonly BuildJob[]): Promise<string[]>
  /** False where it is there. */
  delivery(delivery: Delivery, body: Buffer): Promise<boolean>
}

export function createRestoreRecords(options: { redis: Redis; prefix: string }): RestoreRecords {
  const redis = withScripts(options.redis)
  const keys = storeKeys(options.prefix)
  const deliveries = deliveryRecords(redis, keys)
  return {
    build: async (build, jobs) => {
      const order: RestoreOrder = {
        records: [
          { ...buildPlace(keys, build.id), ...buildFields(build), revision: build.revision ?? 0 },
          ...jobs.map((job) => ({
            ...jobPlace(keys, job.id),
            ...toFields(job),
            revision: job.revision ?? 0,
            at: Date.parse(job.queued ?? job.created) || 0,
          })),
        ],
        removing: keys.removing,
      }
      return await redis.mayflyRestore(JSON.stringify(order))
    },
    delivery: async (delivery, body) => {
      if ((await redis.exists(keys.delivery(delivery.id))) === 1) return false
      return await deliveries.record(delivery, body)
    },
  }
}
