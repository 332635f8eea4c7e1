import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { ulid } from 'ulid'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import type { BuildParts } from '../../../orchestrator/builds/build-parts.ts'
import { createBuildService } from '../../../orchestrator/builds/build-service.ts'
import { shareOf } from '../../../orchestrator/builds/running-limit.ts'
import { createRedisBus } from '../../../orchestrator/bus/redis-bus.ts'
import { createHosts } from '../../../orchestrator/hosts/hosts.ts'
import { createJobQueue } from '../../../orchestrator/queue/job-queue.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { storeKeys } from '../../../orchestrator/store/store-keys.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import { withBooks } from './with-books.ts'

/** Of all keys of a fleet's installation. */
export const prefix = 'fleet'

export type FleetPlace = {
  /** Of its redis-server. */
  readonly socket: string
  /** For its files. */
  readonly folder: string
  /** ms of silence after which a host is lost. */
  readonly staleMs: number
}

/** What each process of a fleet has of the product: all but forges, git and images, which are played. */
export async function openInstallation(
  { socket, folder, staleMs }: FleetPlace,
  readFile: BuildParts['mirror']['readFile'],
) {
  const connect = () => {
    const client = new Redis({ path: socket, maxRetriesPerRequest: null })
    client.on('error', () => undefined)
    return client
  }
  const log = pino({ level: process.env.MAYFLY_LOG_LEVEL ?? 'silent' }, pino.destination(2))
  const redis = withBooks(connect(), storeKeys(prefix).jobs)
  const store = createRedisStore({ redis, prefix })
  const queue = createJobQueue({
    ...{ connection: redis, prefix },
    shareOf: (repository) => shareOf(store, repository),
  })
  const bus = await createRedisBus({ redis, prefix, log })
  const hosts = createHosts({ redis, prefix, stale: staleMs })
  const directory = join(folder, 'tree')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'README.md'), 'hello\n')
  const parts: BuildParts = {
    store,
    queue,
    mirror: {
      fetch: async () => undefined,
      readFile,
      changedFiles: async () => undefined,
      commitInfo: async () => ({ title: 'Change a thing', message: 'Change a thing', author: 'Ann' }),
      source: async (_repository, _commit, limits) => ({
        ...directorySource({ directory, limits }),
        release: async () => undefined,
      }),
    },
    bus,
    outbox: { post: async () => undefined, close: async () => undefined },
    host: await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' }),
    hostCapacity: async () => [],
    resolveRef: async () => '0'.repeat(40),
    pageUrl: (page) => `http://ci.test/${Object.entries(page).flat().join('/')}`,
    now: () => new Date(),
    newId: () => ulid().toLowerCase(),
    log,
  }
  const close = async () => {
    await Promise.all([queue.close(), bus.close()])
    redis.disconnect()
  }
  return { redis, connect, parts, builds: createBuildService(parts), hosts, log, close }
}
