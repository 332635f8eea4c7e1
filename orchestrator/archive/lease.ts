import type { Redis } from 'ioredis'

/** A right that one process of an installation has at a time, until it gives it up or dies. */
export type Lease = {
  /** Takes it, or keeps it for another `ms`; false where another process has it. */
  hold(): Promise<boolean>
  release(): Promise<void>
}

type Options = {
  readonly redis: Redis
  readonly key: string
  /** Unlike any other process's. */
  readonly holder: string
  /** Milliseconds after which one that is not held again is free. */
  readonly ms: number
}

export function createLease({ redis, key, holder, ms }: Options): Lease {
  return {
    hold: async () => (await redis.eval(holdScript, 1, key, holder, ms)) === 1,
    release: async () => {
      await redis.eval(releaseScript, 1, key, holder)
    },
  }
}

const holdScript = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`

const releaseScript = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`
