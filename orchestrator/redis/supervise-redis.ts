import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { InfraError } from '../../config/errors.ts'
import type { RedisPaths } from './filenames.ts'
import { pingRedis } from './ping-redis.ts'
import { writeRedisRecord } from './redis-record.ts'
import { type RedisProcess, spawnRedis } from './spawn-redis.ts'

type Supervision = {
  readonly program: string
  readonly paths: RedisPaths
  readonly readyMs: number
  readonly signal: AbortSignal
  readonly log: Logger
  readonly onReady: () => void
}

/** A server that lived this long did not fail at its start. */
const steadyMs = 10_000

/** milliseconds that a clean end may take before KILL */
const endMs = 10_000

/**
 * Keeps a Redis running until the signal aborts, then ends it cleanly. Waits longer after each failure in a row, up
 * to five seconds. Nobody else may use the data folder.
 *
 * @throws {InfraError} when the very first start fails, for then waiting mends nothing
 */
export async function superviseRedis(order: Supervision): Promise<void> {
  const { paths, signal, log } = order
  let served = false
  let failures = 0
  const stopped = aborted(signal)
  while (!signal.aborted) {
    const started = performance.now()
    const server = await spawnRedis({ ...paths, program: order.program, log })
    await writeRedisRecord(paths.record, { ...server.identity, socket: paths.socket })
    const fault = await waitUntilReady(server, order)
    if (fault === undefined) {
      log.info({ pid: server.identity.pid, ms: Math.round(performance.now() - started) }, 'Redis serves')
      served = true
      order.onReady()
      await Promise.race([server.exited, stopped])
    }
    if (fault !== undefined || signal.aborted) await endServer(server)
    if (fault !== undefined && !served) throw fault
    if (signal.aborted) break
    failures = performance.now() - started > steadyMs ? 0 : failures + 1
    const pause = Math.min(50 * 2 ** failures, 5000)
    log.error({ end: fault?.message ?? (await server.exited), pause }, 'Redis ended and is started anew')
    await sleep(pause, undefined, { signal }).catch(() => undefined)
  }
  await rm(paths.record, { force: true })
}

async function waitUntilReady(
  server: RedisProcess,
  { program, paths, readyMs, signal }: Supervision,
): Promise<InfraError | undefined> {
  let end: string | undefined
  void server.exited.then((how) => {
    end = how
  })
  const late = performance.now() + readyMs
  while (end === undefined && performance.now() < late && !signal.aborted) {
    if ((await pingRedis(paths.socket)) === 'ready') return undefined
    await sleep(10)
  }
  if (signal.aborted) return undefined
  return new InfraError(
    'host-lost',
    `expected ${program} to serve ${paths.folder}, got ${end ?? `no answer within ${readyMs} ms`}`,
    {
      hint: `If its append-only file is damaged: redis-check-aof --fix ${paths.folder}/appendonlydir/*.manifest`,
    },
  )
}

async function endServer(server: RedisProcess): Promise<void> {
  server.kill('SIGTERM')
  const timer = setTimeout(() => server.kill('SIGKILL'), endMs)
  await server.exited
  clearTimeout(timer)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
