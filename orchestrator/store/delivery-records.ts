import { randomUUID } from 'node:crypto'
import { encodeTime } from 'ulid'
import { canRepeat, type Delivery } from '../model/delivery.ts'
import { packBody, unpackBody } from '../model/packed-body.ts'
import type { Store } from '../model/store.ts'
import { readPage, readRecords } from './read-records.ts'
import { toFields } from './record-fields.ts'
import type { DeliveryRecord, RecordPlace, ScriptedRedis } from './scripts.ts'
import { indexKey, type StoreKeys } from './store-keys.ts'

const day = 86_400

/** Seconds. A body is what a replay needs; its record is what "why did this not run?" needs. */
const keepBody = 30 * day
const keepRecord = 90 * day
export const keepBodyMs = keepBody * 1000

/** Anyone can send what is refused, so no more than the newest of it stay, and without their bodies. */
const refusedKept = 10_000

/** Deliveries: record, body, recognition of duplicates and indexes in one round trip. */
export function deliveryRecords(redis: ScriptedRedis, keys: StoreKeys): Store['deliveries'] {
  const place = (id: string): RecordPlace => ({
    key: keys.delivery(id),
    id,
    index: keys.deliveries,
    facets: ['repository', 'verdict'],
    timed: false,
  })
  return {
    record: async (delivery, body) => {
      const { id, forge, forgeId } = delivery
      const written: DeliveryRecord = {
        ...place(id),
        ...toFields(delivery),
        ...(canRepeat(delivery) ? { seen: keys.deliverySeen(forge, forgeId) } : {}),
        body: keys.deliveryBody(id),
        keepRecord,
        keepBody,
        oldest: oldestDelivery(Date.now()),
        refused: refusedKept,
      }
      const packed = delivery.verdict === 'refused' ? Buffer.alloc(0) : await packBody(body)
      return (await redis.mayflyDeliver(JSON.stringify(written), packed)) === 1
    },
    get: async (id) => (await readRecords<Delivery>(redis, [keys.delivery(id)]))[0],
    body: async (id) => {
      const packed = await redis.getBuffer(keys.deliveryBody(id))
      return packed === null ? undefined : await unpackBody(packed)
    },
    update: async (id, change) => {
      const wanted = { ...place(id), ...toFields(change), claims: false, write: randomUUID() }
      await redis.mayflyChange(JSON.stringify(wanted))
    },
    list: ({ repository, verdict }, page) =>
      readPage<Delivery>({
        redis,
        index: indexKey(keys.deliveries, [
          ['repository', repository],
          ['verdict', verdict],
        ]),
        page,
        keyOf: keys.delivery,
      }),
  }
}

/** Ids below are of deliveries whose records are gone; `now` in ms since 1970. */
export function oldestDelivery(now: number): string {
  return encodeTime(now - keepRecord * 1000, 10).toLowerCase()
}
