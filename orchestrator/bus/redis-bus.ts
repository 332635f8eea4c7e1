import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { InfraError } from '../../config/errors.ts'
import type { Bus } from './bus.ts'
import { readBusMessage } from './read-bus-message.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'

/** milliseconds until it has to listen */
const readyMs = 10_000

type Order = {
  /** Whose address is used; the bus opens two connections of its own. */
  readonly redis: Redis
  /** Of all keys and channels of this installation. */
  readonly prefix: string
  readonly log: Logger
}

/**
 * The bus over Redis pub/sub. Listens when it resolves, and again by itself after each loss of the connection.
 *
 * @throws {InfraError} when Redis can't be reached
 */
export async function createRedisBus({ redis, prefix, log }: Order): Promise<Bus> {
  const channel = `${prefix}:bus`
  // Nothing is kept for later: news that come late are no news, and the sender must not wait for them.
  const publisher = redis.duplicate({
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5000,
  })
  const listener = redis.duplicate({ maxRetriesPerRequest: null, autoResubscribe: true })
  const subscribers = new Set<Subscriber>()
  const complain = (error: Error) => log.debug({ err: error }, 'the bus is out of reach')
  publisher.on('error', complain)
  listener.on('error', complain)
  listener.on('message', (_channel: string, text: string) => {
    const message = readBusMessage(text)
    if (message === undefined) return
    for (const subscriber of subscribers) subscriber.push(message)
  })
  const close = async () => {
    for (const subscriber of subscribers) subscriber.close()
    subscribers.clear()
    publisher.disconnect()
    listener.disconnect()
  }
  try {
    await within(readyMs, Promise.all([listener.subscribe(channel), ready(publisher)]))
  } catch (cause) {
    await close()
    throw new InfraError('host-lost', `expected to listen on ${channel}, got: ${String(cause)}`, { cause })
  }
  return {
    publish: async (message) => {
      await publisher.publish(channel, JSON.stringify(message)).catch(complain)
    },
    subscribe: (on) => {
      const subscriber = createSubscriber(on, (error) =>
        log.error({ err: error }, 'a subscriber of the bus failed'),
      )
      subscribers.add(subscriber)
      return () => {
        subscriber.close()
        subscribers.delete(subscriber)
      }
    },
    close,
  }
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  const late = new AbortController()
  const bound = sleep(ms, undefined, { signal: late.signal }).then(() => {
    throw new Error(`no answer for ${ms} ms`)
  })
  try {
    await Promise.race([work, bound])
  } finally {
    late.abort()
    await bound.catch(() => undefined)
  }
}

function ready(redis: Redis): Promise<void> {
  return new Promise((resolve, reject) => {
    if (redis.status === 'ready') resolve()
    redis.once('ready', () => resolve())
    redis.once('end', () => reject(new Error('the connection was closed')))
  })
}
