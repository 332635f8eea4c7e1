import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Scope } from '../../runner/scope.ts'
import { connectRedis } from '../redis/connect-redis.ts'
import { startEmbeddedRedis } from '../redis/embedded-redis.ts'
import { redisAddress } from '../redis/redis-address.ts'

type OpenRedis = {
  host: HostConfig
  dataFolder: string
  env: Readonly<Record<string, string | undefined>>
  uid: number
  log: Logger
  scope: Scope
}

/** The configured Redis, or one of our own; `patient` waits for it as long as it takes, as queues need. */
export async function openRedis({
  host,
  dataFolder,
  env,
  uid,
  log,
  scope,
}: OpenRedis): Promise<{ redis: Redis; patient: Redis }> {
  const address = (await redisAddress(host)) ?? (await embedded())
  const redis = await connectRedis({ address, patience: 'fail-fast', name: 'mayfly', log })
  await scope.defer('Redis', () => redis.disconnect())
  const patient = await connectRedis({ address, patience: 'wait', name: 'mayfly-queues', log })
  await scope.defer('patient Redis', () => patient.disconnect())
  return { redis, patient }

  async function embedded() {
    const server = await startEmbeddedRedis({ dataFolder, env, uid, log })
    await scope.defer('redis-server', () => server.stop())
    return { socket: server.socket }
  }
}
