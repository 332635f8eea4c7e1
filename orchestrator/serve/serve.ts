import { hostname, userInfo } from 'node:os'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import { ConfigError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import { coldStart } from '../../runner/machine/cold-start.ts'
import { sweepMachines } from '../../runner/machine/sweep-machines.ts'
import { Scope } from '../../runner/scope.ts'
import { createBuildService } from '../builds/build-service.ts'
import { createSchedules } from '../builds/schedules.ts'
import { waitingJobs } from '../builds/waiting-jobs.ts'
import { createRedisBus } from '../bus/redis-bus.ts'
import { createForges } from '../forges/forges.ts'
import { createMirror } from '../git/create-mirror.ts'
import { resolveRef } from '../git/resolve-ref.ts'
import { createHosts } from '../hosts/hosts.ts'
import { createApp } from '../http/app.ts'
import { createMetrics } from '../metrics/metrics.ts'
import type { Repository } from '../model/repository.ts'
import { createPages } from '../pages/pages.tsx'
import { createJobQueue } from '../queue/job-queue.ts'
import { createRepositories } from '../repositories/create-repositories.ts'
import { createVault } from '../secrets/create-vault.ts'
import { secretsKeyFile } from '../secrets/key-file.ts'
import { createStatusOutbox } from '../statuses/status-outbox.ts'
import { createRedisStore } from '../store/redis-store.ts'
import { createTokens } from '../tokens/create-tokens.ts'
import { startJobHost } from '../worker/job-host.ts'
import { createDeliveries } from './create-deliveries.ts'
import { listen } from './listen.ts'
import { openRedis } from './open-redis.ts'

export type ServeOrder = {
  readonly role: 'all' | 'web' | 'worker'
  readonly host: HostConfig
  readonly dataFolder: string
  readonly shelf: Shelf
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
}

export type Server = {
  /** Where it listens, as people reach it; undefined for a worker alone. */
  readonly url: string | undefined
  /** Takes nothing new, gives running jobs `graceMs` to end, puts the others back, and ends. */
  stop(bound: { graceMs: number }): Promise<void>
}

/** Before every name in Redis. */
const prefix = 'mayfly'
const gitLimits = { bytes: 4 * 2 ** 30, ms: 10 * 60_000, fileBytes: 2 ** 20 }
const recoverMs = 30_000

/** The orchestrator: what answers HTTP, what runs jobs, or both, on one Redis. */
export async function serve(order: ServeOrder): Promise<Server> {
  const scope = new Scope()
  try {
    return await start(order, scope)
  } catch (error) {
    await scope.close()
    throw error
  }
}

async function start({ role, host, dataFolder, shelf, env, log }: ServeOrder, scope: Scope): Promise<Server> {
  const { redis, patient } = await openRedis({ host, dataFolder, env, uid: userInfo().uid, log, scope })
  const now = () => new Date()
  const newId = () => ulid().toLowerCase()
  const store = createRedisStore({ redis, prefix })
  const bus = await createRedisBus({ redis, prefix, log })
  await scope.defer('bus', () => bus.close())
  const vault = await createVault({ redis, prefix, dataFolder, keyFile: secretsKeyFile({ host, env }) })
  const tokens = createTokens({ redis, prefix, now })
  const metrics = createMetrics()
  const forges = createForges()
  const hosts = createHosts({ redis, prefix, now })
  const queue = createJobQueue({ connection: patient, prefix })
  await scope.defer('queue', () => queue.close())
  const git = { dataFolder, vault, limits: gitLimits, log }
  const mirror = createMirror(git)
  const outbox = createStatusOutbox({ connection: patient, prefix, forges, vault, now, log })
  await scope.defer('status outbox', () => outbox.close())
  const repositories = createRepositories({ store, vault, host, now })
  // Only one kind of process follows the host file, for two with different lists would undo each other.
  if (role !== 'worker') await announceSynced(repositories, log)

  const findRef = async (repository: Repository, ref: string) => {
    const sha = await resolveRef({ parts: git, repository, ref, signal: AbortSignal.timeout(gitLimits.ms) })
    if (sha === undefined)
      throw new ConfigError(`expected ${ref} in ${repository.name}, found no such branch or tag`)
    return sha
  }
  let publicUrl = host.publicUrl ?? ''
  const pageUrl = (page: { build: string } | { job: string } | { repository: string }) => {
    if ('build' in page) return `${publicUrl}/builds/${page.build}`
    return 'job' in page
      ? `${publicUrl}/jobs/${page.job}`
      : `${publicUrl}/?repository=${encodeURIComponent(page.repository)}`
  }
  const hostCapacity = async () =>
    (await hosts.list())
      .filter(({ stale }) => !stale)
      .map(({ name, cpus, memory }) => ({ id: name, cpus: cpus.total, memory: memory.total }))
  const buildParts = {
    ...{
      store,
      queue,
      mirror,
      bus,
      outbox,
      host,
      hostCapacity,
      resolveRef: findRef,
      pageUrl,
      now,
      newId,
      log,
    },
  }
  const builds = createBuildService(buildParts)

  let url: string | undefined
  if (role !== 'worker') {
    const deliveries = await createDeliveries({
      redis,
      patient,
      prefix,
      store,
      vault,
      forges,
      builds,
      now,
      newId,
      log,
      scope,
    })
    const schedules = createSchedules({
      connection: patient,
      prefix,
      store,
      builds,
      resolveRef: findRef,
      log,
    })
    await scope.defer('schedules', () => schedules.close())
    for (const problem of await schedules.sync()) log.warn(problem)
    const readiness = async () => ({
      redis: redis.status === 'ready' ? undefined : `Redis is ${redis.status}`,
    })
    const queueView = {
      waiting: (limit: number) => waitingJobs(buildParts, limit),
      hosts: () => hosts.list(),
    }
    const httpParts = {
      ...{
        dataFolder,
        store,
        builds,
        bus,
        tokens,
        vault,
        repositories,
        shelf,
        metrics,
        deliveries,
        readiness,
        now,
        log,
      },
      ...{ queue: queueView, resolveRef: findRef },
      get publicUrl() {
        return publicUrl
      },
    }
    const listening = await listen({ app: createApp(httpParts, createPages(httpParts)), host, tokens, log })
    await scope.defer('HTTP server', () => listening.close())
    url = host.publicUrl ?? listening.url
    publicUrl = url
  }

  await builds.recover()
  const recovering = setInterval(
    () => void builds.recover().catch((err: unknown) => log.warn({ err }, 'recovery failed')),
    recoverMs,
  )
  await scope.defer('recovery', () => clearInterval(recovering))

  let stopJobs = async (_bound: { graceMs: number }) => undefined as unknown
  if (role !== 'web') {
    await sweepMachines(dataFolder)
    const startMachine = coldStart({ host, dataFolder })
    const hostName = `${hostname()}-${process.pid}`
    const parts = {
      hostName,
      host,
      dataFolder,
      store,
      bus,
      builds,
      mirror,
      vault,
      shelf,
      metrics,
      startMachine,
      log,
    }
    const jobHost = startJobHost({ parts, hosts, connection: patient, prefix })
    stopJobs = (bound) => jobHost.stop(bound)
  }
  return {
    url,
    stop: async (bound) => {
      await stopJobs(bound)
      for (const { what, error } of await scope.close())
        log.warn({ err: error, what }, 'could not be closed in order')
    },
  }
}

type Syncing = ReturnType<typeof createRepositories>

async function announceSynced(repositories: Syncing, log: Logger): Promise<void> {
  const { added, changed, removed } = await repositories.syncHostFile()
  if (added.length + changed.length + removed.length === 0) return
  log.info(
    { added: added.map(({ repository }) => repository.name), changed, removed },
    'repositories of the host file',
  )
}
