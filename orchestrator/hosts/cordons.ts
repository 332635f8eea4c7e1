import type { Redis } from 'ioredis'
import type { Cordon } from '../model/queue-view.ts'

/** Which hosts are to take nothing new, by what they are called: it holds for every process that ever serves there. */
export type Cordons = {
  get(computer: string): Promise<Cordon | undefined>
  put(computer: string, cordon: Cordon): Promise<void>
  /** False where there was none. */
  remove(computer: string): Promise<boolean>
  list(): Promise<ReadonlyMap<string, Cordon>>
}

/** Hash of the cordons in Redis. */
export const cordonsKey = (prefix: string): string => `${prefix}:cordons`

export function createCordons({ redis, prefix }: { redis: Redis; prefix: string }): Cordons {
  const key = cordonsKey(prefix)
  return {
    get: async (computer) => {
      const text = await redis.hget(key, computer)
      return text === null ? undefined : (JSON.parse(text) as Cordon)
    },
    put: async (computer, cordon) => {
      await redis.hset(key, computer, JSON.stringify(cordon))
    },
    remove: async (computer) => (await redis.hdel(key, computer)) === 1,
    list: async () => {
      const texts = Object.entries(await redis.hgetall(key))
      return new Map(texts.map(([computer, text]) => [computer, JSON.parse(text) as Cordon]))
    },
  }
}
