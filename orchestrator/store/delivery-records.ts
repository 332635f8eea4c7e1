import { randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { gunzip, gzip, gzipSync } from 'node:zlib'
import { encodeTime } from 'ulid'
import type { Delivery } from '../model/delivery.ts'
import type { Store } from '../model/store.ts'
import { readPage, readRecords } from './read-records.ts'
import { toFields } from './record-fields.ts'
import type { DeliveryRecord, RecordPlace, ScriptedRedis } from './scripts.ts'
import { indexKey, type StoreKeys } from './store-keys.ts'

const day = 86_400

/** Seconds. A body is what a replay needs; its record is what "why did this not run?" needs. */
const keepBody = 30 * day
const keepRecord = 90 * day

/** Anyone can send what is refused, so no more than the newest of it stay, and without their bodies. */
const refusedKept = 10_000

/** bytes. Up to here a thread of its own costs more than it takes off this one. */
const smallBody = 32 * 1024

const compressLarge = promisify(gzip)
const decompress = promisify(gunzip)

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
      const packed = delivery.verdict === 'refused' ? Buffer.alloc(0) : await compress(body)
      return (await redis.mayflyDeliver(JSON.stringify(written), packed)) === 1
    },
    get: async (id) => (await readRecords<Delivery>(redis, [keys.delivery(id)]))[0],
    body: async (id) => {
      const packed = await redis.getBuffer(keys.deliveryBody(id))
      return packed === null ? undefined : await decompress(packed)
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

// A replay repeats on purpose; and a forged call must not make the forge's own, later one look like a duplicate.
function canRepeat({ verdict, forgeId, replayOf }: Delivery): boolean {
  return verdict !== 'refused' && replayOf === undefined && forgeId !== ''
}

async function compress(body: Buffer): Promise<Buffer> {
  return body.length <= smallBody ? gzipSync(body, { level: 1 }) : await compressLarge(body, { level: 1 })
}
