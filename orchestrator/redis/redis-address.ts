import type { HostConfig } from '../../config/host/host-config.ts'
import { readSecretFile } from '../secrets/read-secret-file.ts'
import type { RedisAddress } from './connect-redis.ts'

/**
 * The Redis that the host file names, with the password out of its file; undefined where Mayfly starts its own.
 * @throws ConfigError where the file cannot be read
 */
export async function redisAddress({
  redis,
  redisPasswordFile,
}: Pick<HostConfig, 'redis' | 'redisPasswordFile'>): Promise<RedisAddress | undefined> {
  if (redis === undefined) return undefined
  if (redisPasswordFile === undefined) return { url: redis }
  return { url: redis, password: await readSecretFile(redisPasswordFile, 'redis_password_file') }
}
