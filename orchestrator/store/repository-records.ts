import type { Redis } from 'ioredis'
import { type Repository, repositoryKey } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { StoreKeys } from './store-keys.ts'

/** Repositories: few, so one hash holds them all. Listed by their key. */
export function repositoryRecords(redis: Redis, { repositories }: StoreKeys): Store['repositories'] {
  return {
    put: async (repository) => {
      await redis.hset(repositories, repositoryKey(repository), JSON.stringify(repository))
    },
    get: async (key) => {
      const text = await redis.hget(repositories, key)
      return text === null ? undefined : (JSON.parse(text) as Repository)
    },
    list: async () => {
      const all = Object.entries(await redis.hgetall(repositories))
      return all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => JSON.parse(text) as Repository)
    },
    remove: async (key) => (await redis.hdel(repositories, key)) === 1,
  }
}
