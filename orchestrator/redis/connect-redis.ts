import { Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import { InfraError } from '../../config/errors.ts'
import { parseRedisUrl, withoutPassword } from './redis-url.ts'

/** The socket of the embedded Redis, or the URL of another. */
export type RedisAddress =
  | { readonly socket: string }
  | {
      readonly url: string
      /** In the place of the URL's own. */
      readonly password?: string
    }

type Connection = {
  readonly address: RedisAddress
  /**
   * `wait` sits out any absence of Redis, as workers and queues must; `fail-fast` rejects a command after about
   * three seconds of it, as somebody who waits for an answer wants.
   */
  readonly patience: 'wait' | 'fail-fast'
  /** Shown by `CLIENT LIST`. */
  readonly name: string
  readonly log: Logger
  /** Milliseconds until it has to be ready for the first time. @defaultValue 10 s */
  readonly readyMs?: number
}

/**
 * A client that is ready and from then on reconnects by itself. A command whose answer was lost with the
 * connection is sent again, so that what is sent has to bear being done twice.
 *
 * @throws {ConfigError} on a URL that is none
 * @throws {InfraError} when Redis refuses us or is not ready in time
 */
export async function connectRedis({
  address,
  patience,
  name,
  log,
  readyMs = 10_000,
}: Connection): Promise<Redis> {
  const redis = new Redis({ ...redisOptions(address), ...patienceOptions[patience], connectionName: name })
  const where = 'socket' in address ? address.socket : withoutPassword(address.url)
  try {
    await untilReady(redis, readyMs)
  } catch (cause) {
    redis.disconnect()
    const found = cause instanceof Error ? cause.message : String(cause)
    throw new InfraError('host-lost', `expected Redis at ${where} to be ready, got: ${found}`, {
      hint: 'Check `redis:` in the host file, and that Redis runs; without that line Mayfly starts its own.',
      cause,
    })
  }
  redis.on('error', (error: Error) =>
    log.warn({ err: error, redis: where, client: name }, 'Redis is out of reach'),
  )
  redis.on('ready', () => log.info({ redis: where, client: name }, 'Redis is back'))
  return redis
}

function redisOptions(address: RedisAddress): ClientOptions {
  return {
    ...addressOptions(address),
    retryStrategy: (times: number) => Math.min(50 * times, 1000),
    // A demoted master answers READONLY: ask the sentinels again.
    reconnectOnError: (error: Error) => (error.message.startsWith('READONLY') ? 2 : false),
  }
}

function addressOptions(address: RedisAddress): RedisOptions {
  if ('socket' in address) return { path: address.socket }
  const { url, password } = address
  return { ...parseRedisUrl(url), ...(password === undefined ? {} : { password }) }
}

// The client's type depends on `replyMapping`, which stays what it is.
type ClientOptions = Omit<RedisOptions, 'replyMapping'>

const patienceOptions = {
  wait: { maxRetriesPerRequest: null },
  'fail-fast': { maxRetriesPerRequest: 10, commandTimeout: 15_000 },
} as const

/** Errors that waiting does not mend. */
const final = /^(WRONGPASS|NOAUTH|NOPERM|ERR .*(AUTH|DB index|password))/

function untilReady(redis: Redis, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let last = 'no answer'
    const timer = setTimeout(() => settle(() => reject(new Error(`${last} for ${ms} ms`))), ms)
    const settle = (how: () => void) => {
      clearTimeout(timer)
      redis.off('ready', onReady)
      how()
      // Off last: an error without a listener would be printed by ioredis.
      redis.off('error', onError)
    }
    const onReady = () => settle(resolve)
    const onError = (error: Error) => {
      last = error.message
      if (final.test(last)) settle(() => reject(error))
    }
    redis.on('error', onError)
    redis.on('ready', onReady)
  })
}
