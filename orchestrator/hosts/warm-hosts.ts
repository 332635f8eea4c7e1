import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { BuildJob } from '../model/build.ts'

/** Which hosts ran a job lately that starts as another one does, and so have its template or checkpoint. */
export type WarmHosts = {
  /** A host ran the steps of a job. */
  ran(job: BuildJob, host: string): Promise<void>
  /** Whether a host did. */
  has(job: BuildJob, host: string): Promise<boolean>
  /** Those that did last, the last one first; of many only a few. */
  of(job: BuildJob): Promise<string[]>
}

/** Hosts that are remembered for each start. */
const most = 1000
/** Of which so many are looked at for room. */
const few = 8
/** Templates and checkpoints that nobody used for longer are likely gone. */
const days = 7

/** A sorted set in Redis for each way to start, by when a host last did. */
export function createWarmHosts({ redis, prefix }: { redis: Redis; prefix: string }): WarmHosts {
  const keyOf = (job: BuildJob) => `${prefix}:warm:${startOf(job)}`
  return {
    ran: async (job, host) => {
      const key = keyOf(job)
      await redis
        .multi()
        .zadd(key, Date.now(), host)
        .zremrangebyrank(key, 0, -most - 1)
        .expire(key, days * 86_400)
        .exec()
    },
    has: async (job, host) => (await redis.zscore(keyOf(job), host)) !== null,
    of: async (job) => await redis.zrevrange(keyOf(job), 0, few - 1),
  }
}

/** The same for jobs that start from the same template, and where they have a `setup`, from the same checkpoint. */
function startOf({ job, repository, resources }: BuildJob): string {
  const { image, setup, setupFiles, env, network, userData } = job
  const machine = [image ?? '', resources.cpus, resources.memory, resources.disk, network, userData ?? '']
  const made = setup.length === 0 ? [] : [repository, setup, setupFiles, env]
  return createHash('sha256')
    .update(JSON.stringify([machine, made]))
    .digest('hex')
    .slice(0, 32)
}
