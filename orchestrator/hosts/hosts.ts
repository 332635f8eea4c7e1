import type { Redis } from 'ioredis'
import type { HostStatus } from '../model/queue-view.ts'

/** The hosts of an installation, as they last said of themselves. */
export type Hosts = {
  announce(status: Omit<HostStatus, 'heard' | 'stale'>): Promise<void>
  /** Takes a host off the list when it ends in good order. */
  leave(name: string): Promise<void>
  list(): Promise<HostStatus[]>
}

/** A host announces itself this often, */
export const heartbeatMs = 5_000
/** and is taken for lost when it has not for so long. */
export const staleMs = 30_000

type Options = { redis: Redis; prefix: string; now: () => Date }

/** One hash in Redis: what each host said last, by its name. */
export function createHosts({ redis, prefix, now }: Options): Hosts {
  const key = `${prefix}:hosts`
  return {
    announce: async (status) => {
      await redis.hset(key, status.name, JSON.stringify({ ...status, heard: now().toISOString() }))
    },
    leave: async (name) => {
      await redis.hdel(key, name)
    },
    list: async () => {
      const found = Object.values(await redis.hgetall(key)).map((value) => JSON.parse(value) as HostStatus)
      return found
        .map((status) => ({ ...status, stale: now().getTime() - Date.parse(status.heard) > staleMs }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
    },
  }
}
