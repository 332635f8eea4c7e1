import type { Redis } from 'ioredis'

/** An item as it is kept, with an id that tells it from its equals and the time it came in ms. */
export type Kept<Item> = { readonly id: string; readonly at: number; readonly item: Item }

export type LaneStore<Item> = ReturnType<typeof createLaneStore<Item>>

/** ms that a lane's mark is remembered; longer than anybody tells the same thing again. */
const keepMark = 30 * 86_400_000

/** One list in Redis for each lane, and a set of the lanes that have items, for who comes after a crash. */
export function createLaneStore<Item>(redis: Redis, base: string) {
  const list = (lane: string) => `${base}:lane:${lane}`
  const mark = (lane: string) => `${base}:mark:${lane}`
  const open = `${base}:open`
  return {
    /** Nothing where the lane has the mark already; an empty mark is none. */
    push: (lane: string, kept: Kept<Item>, marked: string) =>
      redis.eval(pushScript, 3, list(lane), open, mark(lane), JSON.stringify(kept), lane, marked, keepMark),
    head: async (lane: string): Promise<{ raw: string; kept: Kept<Item> } | undefined> => {
      const raw = await redis.lindex(list(lane), 0)
      return raw === null ? undefined : { raw, kept: JSON.parse(raw) as Kept<Item> }
    },
    keepNewest: (lane: string) => redis.ltrim(list(lane), -1, -1),
    hasItems: async (lane: string) => (await redis.llen(list(lane))) > 0,
    open: () => redis.smembers(open),
    /** By value, so that two workers after a lost lock drop what was sent and nothing else. */
    drop: (lane: string, raw: string) => redis.eval(dropScript, 2, list(lane), open, raw, lane),
  }
}

const pushScript = `
if ARGV[3] ~= '' then
  if redis.call('GET', KEYS[3]) == ARGV[3] then return 0 end
  redis.call('SET', KEYS[3], ARGV[3], 'PX', ARGV[4])
end
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[2], ARGV[2])
return 1`

const dropScript = `
redis.call('LREM', KEYS[1], 1, ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('SREM', KEYS[2], ARGV[2]) end
return 1`
