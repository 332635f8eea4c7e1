import type { Redis } from 'ioredis'
import type { Build } from '../model/build.ts'
import { buildPlace } from './build-records.ts'
import { oldestDelivery } from './delivery-records.ts'
import { jobPlace } from './job-records.ts'
import { type PruneOrder, withScripts } from './scripts.ts'
import { storeKeys } from './store-keys.ts'

/** A build that has ended. `place` sorts by when it did. */
export type EndedBuild = { readonly id: string; readonly place: string }

/** What goes step by step through all that has ended, each with a place of its own that it has come to. */
export type RetentionStage = 'records' | 'artifacts' | 'logs'

/** What retention asks of the store. */
export type RetentionRecords = {
  /** Builds that ended before a time, the longest ago first; `after` leaves out those up to a place. */
  endedBefore(range: { before: Date; after?: string | undefined; limit: number }): Promise<EndedBuild[]>
  /** Ids of all builds but the newest so many of each repository, ended or not, the oldest of a repository first. */
  allBut(newest: number): AsyncGenerator<string>
  /** The place that a stage has come to. */
  progress(stage: RetentionStage): Promise<string | undefined>
  setProgress(stage: RetentionStage, place: string): Promise<void>
  /**
   * Takes a finished build and its jobs out of the store at once, and notes that their folders are to go. False, and
   * nothing done, where it has been run again since it was read.
   */
  prune(pruning: Pruning): Promise<boolean>
  /** Pruned builds whose folders may still be there. */
  toRemove(): Promise<{ build: string; attempts: string[] }[]>
  removed(build: string): Promise<void>
  /** Takes deliveries whose records are gone out of the lists; gives how many entries that were. */
  trimDeliveries(now: Date): Promise<number>
}

export type Pruning = {
  readonly build: Build
  /** Concurrency groups that its jobs may still hold. */
  readonly groups: readonly { readonly group: string; readonly job: string }[]
  /** Names of the folders that are to go. */
  readonly attempts: readonly string[]
}

const pageSize = 500

export function createRetentionRecords(options: { redis: Redis; prefix: string }): RetentionRecords {
  const redis = withScripts(options.redis)
  const keys = storeKeys(options.prefix)
  return {
    endedBefore: async ({ before, after, limit }) => {
      const from = after === undefined ? '-' : `(${after}`
      const to = `(${JSON.stringify(before.toISOString())}`
      const places = await redis.zrangebylex(keys.buildsEnded, from, to, 'LIMIT', 0, limit)
      return places.map((place) => ({ id: place.slice(place.indexOf(' ') + 1), place }))
    },
    async *allBut(newest) {
      const ofRepository = `${keys.builds},repository=`
      for await (const index of scan(redis, `${ofRepository}*`)) {
        if (!isJson(index.slice(ofRepository.length))) continue
        // The last one that stays; what comes before it goes. New builds come after it.
        const [first] = await redis.zrange(index, String(-newest), String(-newest))
        let from = '-'
        while (first !== undefined) {
          const ids = await redis.zrangebylex(index, from, `(${first}`, 'LIMIT', 0, pageSize)
          yield* ids
          if (ids.length < pageSize) break
          from = `(${ids.at(-1)}`
        }
      }
    },
    progress: async (stage) => (await redis.hget(keys.retention, stage)) ?? undefined,
    setProgress: async (stage, place) => {
      await redis.hset(keys.retention, stage, place)
    },
    prune: async ({ build, groups, attempts }) => {
      const order: PruneOrder = {
        build: buildPlace(keys, build.id),
        ended: JSON.stringify(build.ended ?? null),
        jobs: build.jobs.map((id) => jobPlace(keys, id)),
        holders: keys.groups,
        groups,
        removing: keys.removing,
        attempts: JSON.stringify(attempts),
        newest: keys.newestPruned,
      }
      return (await redis.mayflyPrune(JSON.stringify(order))) === 1
    },
    toRemove: async () =>
      Object.entries(await redis.hgetall(keys.removing)).map(([build, attempts]) => ({
        build,
        attempts: JSON.parse(attempts) as string[],
      })),
    removed: async (build) => {
      await redis.hdel(keys.removing, build)
    },
    trimDeliveries: async (now) => {
      let trimmed = 0
      for await (const index of scan(redis, `${keys.deliveries}*`)) {
        // Queues have names that begin alike.
        if (index !== keys.deliveries && !index.startsWith(`${keys.deliveries},`)) continue
        trimmed += await redis.zremrangebylex(index, '-', `(${oldestDelivery(now.getTime())}`)
      }
      return trimmed
    },
  }
}

async function* scan(redis: Redis, pattern: string): AsyncGenerator<string> {
  const seen = new Set<string>()
  let cursor = '0'
  do {
    const [next, found] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000)
    for (const key of found) if (!seen.has(key)) yield key
    for (const key of found) seen.add(key)
    cursor = next
  } while (cursor !== '0')
}

/** The index of a repository alone: that of a repository and a branch goes on after the name. */
function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
