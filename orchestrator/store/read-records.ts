import type { Redis } from 'ioredis'
import type { Page, Paged } from '../model/store.ts'
import { fromFields } from './record-fields.ts'

/** Records by their keys in one round trip; undefined for each that is not there. */
export async function readRecords<T>(redis: Redis, keys: readonly string[]): Promise<(T | undefined)[]> {
  if (keys.length === 0) return []
  const pipeline = redis.pipeline()
  for (const key of keys) pipeline.hgetall(key)
  const answers = (await pipeline.exec()) ?? []
  return answers.map(([error, answer]) => {
    if (error !== null) throw error
    const fields = answer as Record<string, string>
    return Object.keys(fields).length === 0 ? undefined : fromFields<T>(fields)
  })
}

type Listing = { redis: Redis; index: string; page: Page; keyOf: (id: string) => string }

/** One page of an index whose ids sort by time, newest first. Its cursor is the last id that was given. */
export async function readPage<T>({ redis, index, page, keyOf }: Listing): Promise<Paged<T>> {
  const limit = Math.max(1, page.limit)
  const from = page.cursor === undefined ? '+' : `(${page.cursor}`
  const ids = await redis.zrevrangebylex(index, from, '-', 'LIMIT', 0, limit + 1)
  const shown = ids.slice(0, limit)
  const records = await readRecords<T>(redis, shown.map(keyOf))
  // A record whose time is over may be gone before the index is trimmed.
  const items = records.filter((record) => record !== undefined)
  return { items, next: ids.length > limit ? shown.at(-1) : undefined }
}
