import { chmod, mkdir, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { InfraError } from '../../config/errors.ts'
import { withLock } from '../../images/lock.ts'
import { isAlive } from '../../images/process-identity.ts'
import { makeRunFolder } from '../../runner/machine/run-folder.ts'
import { endOrphan } from './end-orphan.ts'
import { redisPaths } from './filenames.ts'
import { findRedisServer } from './find-redis-server.ts'
import { pingRedis } from './ping-redis.ts'
import { readRedisRecord } from './redis-record.ts'
import { removeRunFolder } from './remove-run-folder.ts'
import { superviseRedis } from './supervise-redis.ts'

export type EmbeddedRedis = {
  /** Path of its unix socket, for as long as this process lives. */
  readonly socket: string
  /** Ends the server cleanly where it is ours; else only stops waiting to take it over. */
  stop(): Promise<void>
}

type Order = {
  readonly dataFolder: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid: number
  readonly log: Logger
  /** Milliseconds until it answers; a large append-only file takes a while to load. @defaultValue 2 min */
  readonly readyMs?: number
}

/**
 * The Redis of a data folder. The first process starts and supervises `redis-server`: restarted when it dies, with
 * nothing lost that was answered. Each further process on this host uses the same one, and takes it over when the
 * first ends.
 *
 * @throws {InfraError} when there is no redis-server, or it does not answer in time
 */
export async function startEmbeddedRedis(order: Order): Promise<EmbeddedRedis> {
  const { log, readyMs = 120_000 } = order
  const paths = redisPaths(order)
  const program = await findRedisServer(order.env.PATH)
  await makeDataFolder(paths.folder)
  const stopping = new AbortController()
  const { signal } = stopping
  let socket = paths.socket
  let supervised: Promise<void> = Promise.resolve()
  const ready = new Promise<void>((resolve, reject) => {
    const shareWith = async (pid: number) => {
      log.info({ supervisor: pid }, 'this data folder has its Redis already: using that one')
      socket = await waitForOther({ record: paths.record, signal, ms: readyMs, pid })
      resolve()
    }
    const own = async () => {
      await endOrphan({ ...paths, socket })
      await removeRunFolder({ paths, uid: order.uid })
      await makeRunFolder({ folder: dirname(socket), uid: order.uid })
      await superviseRedis({ program, paths: { ...paths, socket }, readyMs, signal, log, onReady: resolve })
      await rm(dirname(socket), { recursive: true, force: true })
    }
    const onWait = ({ pid }: { pid: number }) => void shareWith(pid).catch(reject)
    supervised = withLock({ path: paths.lock, signal, onWait }, own).catch((error: unknown) => {
      if (signal.aborted) return
      log.error({ err: error }, 'Redis is not supervised any more')
      reject(error)
    })
  })
  const stop = async () => {
    stopping.abort()
    await supervised
  }
  try {
    await ready
  } catch (error) {
    await stop()
    throw error
  }
  return { socket, stop }
}

async function makeDataFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await chmod(folder, 0o700)
  } catch (cause) {
    throw new InfraError('host-lost', `expected to own ${folder} for Redis, got: ${String(cause)}`, {
      hint: 'Run as the owner of the data folder, or choose another one with --data.',
      cause,
    })
  }
}

type Other = { record: string; signal: AbortSignal; ms: number; pid: number }

// The socket is read from the record, for the other process may see another XDG_RUNTIME_DIR than we do.
async function waitForOther({ record, signal, ms, pid }: Other): Promise<string> {
  const end = performance.now() + ms
  while (performance.now() < end) {
    const other = await readRedisRecord(record)
    if (other !== undefined && isAlive(other) && (await pingRedis(other.socket)) === 'ready') {
      return other.socket
    }
    await sleep(50, undefined, { signal })
  }
  throw new InfraError(
    'host-lost',
    `expected the Redis that process ${pid} supervises to answer, got silence`,
    {
      hint: `End process ${pid}, or choose another data folder with --data.`,
    },
  )
}
