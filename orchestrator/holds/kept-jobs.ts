import type { Redis } from 'ioredis'

/** Jobs whose machines are kept or parked, for whoever looks after them; their records say which. */
export type KeptJobs = {
  add(job: string): Promise<void>
  remove(job: string): Promise<void>
  list(): Promise<string[]>
  /** Takes a parked machine for one host, which resumes it; false where another has. It is let go by itself in the end. */
  claim(job: string, host: string): Promise<boolean>
  letGo(job: string): Promise<void>
}

/** Longer than any resuming takes. */
const claimSeconds = 600

/** One set in Redis, and a key for each parked machine that is being resumed. */
export function createKeptJobs({ redis, prefix }: { redis: Redis; prefix: string }): KeptJobs {
  const name = `${prefix}:kept`
  const claimOf = (job: string) => `${prefix}:resuming:${job}`
  return {
    async add(job) {
      await redis.sadd(name, job)
    },
    async remove(job) {
      await redis.srem(name, job)
    },
    list: () => redis.smembers(name),
    async claim(job, host) {
      return (await redis.set(claimOf(job), host, 'EX', claimSeconds, 'NX')) === 'OK'
    },
    async letGo(job) {
      await redis.del(claimOf(job))
    },
  }
}
