import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import { timeLimit } from '../../runner/time-limit.ts'
import { createHosts } from '../hosts/hosts.ts'
import { connectRedis } from '../redis/connect-redis.ts'
import { redisAddress } from '../redis/redis-address.ts'
import { prefix } from '../serve/prefix.ts'

const patienceMs = 20_000
const everyMs = 500

/** What keeps the server of this computer, or of this container, from its work; undefined where nothing does. */
export async function checkHealth(role: 'web' | 'worker', host: HostConfig): Promise<string | undefined> {
  try {
    return role === 'web' ? await webFault(host) : await workerFault(host)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The same, asked again and again for so many ms where something does: what it was in the end. */
export async function awaitHealth(
  role: 'web' | 'worker',
  host: HostConfig,
  ms: number,
): Promise<string | undefined> {
  const end = performance.now() + ms
  for (;;) {
    const fault = await checkHealth(role, host)
    if (fault === undefined || performance.now() + everyMs > end) return fault
    await sleep(everyMs)
  }
}

async function webFault({ listen }: HostConfig): Promise<string | undefined> {
  const address = { '0.0.0.0': '127.0.0.1', '::': '::1' }[listen.host] ?? listen.host
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${listen.port}/readyz`
  const limit = timeLimit(new AbortController().signal, patienceMs, `no answer for ${patienceMs} ms`)
  try {
    const answer = await fetch(url, { signal: limit.signal })
    return answer.ok ? undefined : `${url} answered ${answer.status}: ${await answer.text()}`
  } catch (error) {
    const { cause } = error as Error
    return `no answer from ${url}: ${(cause instanceof Error ? cause : (error as Error)).message}`
  } finally {
    limit.clear()
  }
}

/** A worker answers nobody. It lives as long as it says so in Redis, where the others look for it too. */
async function workerFault(host: HostConfig): Promise<string | undefined> {
  const address = await redisAddress(host)
  if (address === undefined) return 'expected `redis:` in the host file, for no worker is without, found none'
  const log = pino({ level: 'silent' })
  const redis = await connectRedis({ address, patience: 'fail-fast', name: 'mayfly-health', log })
  try {
    const hosts = await createHosts({ redis, prefix }).list()
    const own = hosts.filter(({ name }) => name.startsWith(`${hostname()}-`))
    if (own.some(({ stale }) => !stale)) return undefined
    return own.length === 0
      ? `no worker of ${hostname()} has announced itself`
      : `the worker of ${hostname()} was last heard of at ${own.at(-1)?.heard}`
  } finally {
    redis.disconnect()
  }
}
