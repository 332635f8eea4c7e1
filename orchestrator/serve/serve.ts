import { hostname, userInfo } from 'node:os'
import type { Logger } from 'pino'
import { monotonicFactory } from 'ulid'
import { ConfigError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import type { StartMachine } from '../../runner/job/job-order.ts'
import { sweepMachines } from '../../runner/machine/sweep-machines.ts'
import { type ResumeParked, resumeOnHost } from '../../runner/resume-on-host.ts'
import { Scope } from '../../runner/scope.ts'
import { startOnHost } from '../../runner/start-on-host.ts'
import { createArchive } from '../archive/archive.ts'
import { startRetention } from '../archive/start-retention.ts'
import { createBuildService } from '../builds/build-service.ts'
import { createSchedules, type Schedules } from '../builds/schedules.ts'
import { waitingJobs } from '../builds/waiting-jobs.ts'
import { createRedisBus } from '../bus/redis-bus.ts'
import { createForges } from '../forges/forges.ts'
import { createMirror } from '../git/create-mirror.ts'
import type { GitLimits } from '../git/git-parts.ts'
import type { Commit } from '../git/mirror.ts'
import { resolveRef } from '../git/resolve-ref.ts'
import { createKeptJobs } from '../holds/kept-jobs.ts'
import { openDebug } from '../holds/open-debug.ts'
import { createOptIns } from '../holds/opt-ins.ts'
import { createTickets } from '../holds/tickets.ts'
import { createHosts } from '../hosts/hosts.ts'
import { createApp } from '../http/app.ts'
import { reportHosts } from '../metrics/host-metrics.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import { createNotificationOutbox } from '../notifications/notification-outbox.ts'
import { createPages } from '../pages/pages.tsx'
import { createJobQueue } from '../queue/job-queue.ts'
import { createRepositories } from '../repositories/create-repositories.ts'
import { tellChanges } from '../repositories/tell-changes.ts'
import { createVault } from '../secrets/create-vault.ts'
import { secretsKeyFile } from '../secrets/key-file.ts'
import { createStatusOutbox } from '../statuses/status-outbox.ts'
import { createRedisStore } from '../store/redis-store.ts'
import { createSubmissions } from '../submissions/create-submissions.ts'
import { startPruning } from '../submissions/start-pruning.ts'
import { createBrowserShells } from '../terminal/browser-shells.ts'
import { enterGateway } from '../terminal/enter-gateway.ts'
import { createTokens } from '../tokens/create-tokens.ts'
import { startJobHost } from '../worker/job-host.ts'
import { createDeliveries } from './create-deliveries.ts'
import { followBuilds } from './follow-builds.ts'
import { listen } from './listen.ts'
import { openRedis } from './open-redis.ts'
import { writeServerRecord } from './server-record.ts'

export type ServeOrder = {
  readonly role: 'all' | 'web' | 'worker'
  readonly host: HostConfig
  readonly dataFolder: string
  readonly shelf: Shelf
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  /** How machines come up. @defaultValue QEMU's cold start on this host */
  readonly startMachine?: StartMachine
  /** How parked machines come back. @defaultValue in QEMU on this host */
  readonly resumeParked?: ResumeParked
  /** @defaultValue 4 GiB for a mirror, ten minutes for a fetch, 1 MiB for a pipeline file */
  readonly gitLimits?: GitLimits
}

export type Server = {
  /** Where it listens, as people reach it; undefined for a worker alone. */
  readonly url: string | undefined
  /** Takes nothing new, gives running jobs `graceMs` to end, puts the others back, and ends. */
  stop(bound: { graceMs: number }): Promise<void>
}

/** Before every name in Redis. */
const prefix = 'mayfly'
const standardGitLimits: GitLimits = { bytes: 4 * 2 ** 30, ms: 10 * 60_000, fileBytes: 2 ** 20 }
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

async function start(order: ServeOrder, scope: Scope): Promise<Server> {
  const { role, host, dataFolder, shelf, env, log, gitLimits = standardGitLimits } = order
  const { redis, patient } = await openRedis({ host, dataFolder, env, uid: userInfo().uid, log, scope })
  const now = () => new Date()
  // Draws its randomness once a millisecond, not once a character.
  const nextUlid = monotonicFactory()
  const newId = () => nextUlid().toLowerCase()
  const store = createRedisStore({ redis, prefix })
  const bus = await createRedisBus({ redis, prefix, log })
  await scope.defer('bus', () => bus.close())
  const vault = await createVault({ redis, prefix, dataFolder, keyFile: secretsKeyFile({ host, env }) })
  const tokens = createTokens({ redis, prefix, now })
  const metrics = createMetrics()
  const optIns = createOptIns({ redis, prefix })
  const tickets = createTickets({ redis, prefix, now })
  const forges = createForges()
  const hosts = createHosts({ redis, prefix, now })
  const queue = createJobQueue({ connection: patient, prefix })
  await scope.defer('queue', () => queue.close())
  const git = { dataFolder, vault, limits: gitLimits, log }
  const mirror = createMirror(git)
  const outbox = createStatusOutbox({ connection: patient, prefix, forges, vault, now, log })
  await scope.defer('status outbox', () => outbox.close())
  const notifications = createNotificationOutbox({ connection: patient, prefix, vault, now, log })
  await scope.defer('notification outbox', () => notifications.close())
  const archiveFolder = host.archive ?? dataFolder
  const archive = createArchive({ folder: archiveFolder })
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
  const onBuild = followBuilds({
    ...{ outbox: notifications, store, archive, log },
    publicUrl: () => publicUrl,
  })
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
      onBuild,
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
    const followed = tellChanges(repositories, () => followRepositories(schedules, log))
    reportHosts({ metrics, hosts })
    const submissions = createSubmissions({
      ...{ git, store, builds, now, newId },
      bytes: Math.min(host.limits.uploadBytes, gitLimits.bytes),
    })
    await scope.defer('pruning of submissions', startPruning(submissions))
    const readiness = async () => ({
      redis: redis.status === 'ready' ? undefined : `Redis is ${redis.status}`,
    })
    const shells = createBrowserShells({
      enter: (entering) => enterGateway({ tickets, hostName: hostname() }, entering),
    })
    await scope.defer('terminals', () => shells.close())
    const queueView = {
      waiting: (limit: number) => waitingJobs(buildParts, limit),
      hosts: () => hosts.list(),
    }
    const httpParts = {
      ...{
        archiveFolder,
        store,
        builds,
        bus,
        tokens,
        vault,
        repositories: followed,
        shelf,
        metrics,
        deliveries,
        submissions,
        optIns,
        shells,
        readiness,
        now,
        log,
      },
      ...{ queue: queueView, resolveRef: findRef, trustedProxies: host.trustedProxies },
      jobFiles: async (repository: Repository, commit: Commit, signal: AbortSignal) => {
        await mirror.fetch(repository, commit, signal)
        return await mirror.source(repository, commit, { bytes: host.limits.uploadBytes }, signal)
      },
      get publicUrl() {
        return publicUrl
      },
    }
    const listening = await listen({ app: createApp(httpParts, createPages(httpParts)), host, tokens, log })
    await scope.defer('HTTP server', () => listening.close())
    url = host.publicUrl ?? listening.url
    publicUrl = url
    await scope.defer('server record', await writeServerRecord(dataFolder, listening.url))
  }

  await builds.recover()
  const recovering = setInterval(
    () => void builds.recover().catch((err: unknown) => log.warn({ err }, 'recovery failed')),
    recoverMs,
  )
  await scope.defer('recovery', () => clearInterval(recovering))

  const { retention } = host
  const sweeping = startRetention({ redis, prefix, store, archive, retention, metrics, now, log })
  await scope.defer('retention', () => sweeping.close())

  let stopJobs = async (_bound: { graceMs: number }) => undefined as unknown
  if (role !== 'web') {
    await sweepMachines(dataFolder)
    const startMachine = order.startMachine ?? startOnHost({ host, dataFolder })
    const hostName = `${hostname()}-${process.pid}`
    const debug =
      host.debug &&
      (await openDebug({
        ...{ hosts, shelf, kept: createKeptJobs({ redis, prefix }) },
        resumeParked: order.resumeParked ?? resumeOnHost({ host, dataFolder }),
        ...{ debug: host.debug, dataFolder, archiveFolder, hostName, store, optIns, tickets, bus, now, log },
      }))
    if (debug !== undefined) await scope.defer('debug gateway', () => debug.close())
    const parts = {
      hostName,
      host,
      archiveFolder,
      store,
      bus,
      builds,
      mirror,
      vault,
      shelf,
      metrics,
      startMachine,
      debug,
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

/** After a change of a repository, which stands whatever becomes of its schedules. */
async function followRepositories(schedules: Pick<Schedules, 'sync'>, log: Logger): Promise<void> {
  try {
    for (const problem of await schedules.sync()) log.warn(problem)
  } catch (err) {
    log.warn({ err }, 'the clock follows the repositories with the next change or start')
  }
}

type Syncing = ReturnType<typeof createRepositories>

async function announceSynced(repositories: Syncing, log: Logger): Promise<void> {
  const { added, changed, removed, made } = await repositories.syncHostFile()
  for (const { repository, webhookSecret, notificationSecret } of made)
    log.warn(
      { repository: repositoryKey(repository), webhookSecret, notificationSecret },
      'secrets were made; this is the only time that they are shown',
    )
  if (added.length + changed.length + removed.length === 0) return
  log.info(
    { added: added.map(({ repository }) => repository.name), changed, removed },
    'repositories of the host file',
  )
}
