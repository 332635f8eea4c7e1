import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Scope } from '../../runner/scope.ts'
import { openArchive } from '../archive/open-archive.ts'
import { type Reindexed, type ReindexParts, reindex } from '../archive/reindex.ts'
import { createKeptJobs } from '../holds/kept-jobs.ts'
import { createHosts } from '../hosts/hosts.ts'
import { createRedisStore } from '../store/redis-store.ts'
import { openRedis } from './open-redis.ts'
import { prefix } from './prefix.ts'

type Order = {
  readonly host: HostConfig
  readonly dataFolder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number
  readonly log: Logger
  readonly onProgress: NonNullable<ReindexParts['onProgress']>
  /** Closes what is opened. */
  readonly scope: Scope
}

/** Makes the index of this installation anew, on the Redis of the server where one runs. */
export async function reindexHere(order: Order): Promise<Reindexed> {
  const { onProgress } = order
  const { redis } = await openRedis(order)
  const now = () => new Date()
  return await reindex({
    ...{ redis, prefix, now, onProgress },
    archive: (await openArchive(order)).archive,
    store: createRedisStore({ redis, prefix }),
    hosts: createHosts({ redis, prefix }),
    kept: createKeptJobs({ redis, prefix }),
  })
}
