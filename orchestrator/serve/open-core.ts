import { userInfo } from 'node:os'
import type { Logger } from 'pino'
import { monotonicFactory } from 'ulid'
import { ConfigError } from '../../config/errors.ts'
import type { LimitName } from '../../config/limits/named-limits.ts'
import type { Scope } from '../../runner/scope.ts'
import { keepingAfter } from '../archive/keeping-after.ts'
import { openArchive } from '../archive/open-archive.ts'
import { believing, wholeTokens, wholeVault } from '../archive/whole-index.ts'
import { createBuildService } from '../builds/build-service.ts'
import { retellBuilds } from '../builds/retell-builds.ts'
import { shareOf } from '../builds/running-limit.ts'
import { createRedisBus } from '../bus/redis-bus.ts'
import { createForges } from '../forges/forges.ts'
import { createMirror } from '../git/create-mirror.ts'
import type { GitLimits } from '../git/git-parts.ts'
import { resolveRef } from '../git/resolve-ref.ts'
import { createKeptJobs } from '../holds/kept-jobs.ts'
import { createOptIns } from '../holds/opt-ins.ts'
import { createTickets } from '../holds/tickets.ts'
import { agreeOnProtocol } from '../hosts/agree-on-protocol.ts'
import { createCordons } from '../hosts/cordons.ts'
import { hostCapacities } from '../hosts/host-capacities.ts'
import { createHosts } from '../hosts/hosts.ts'
import { knownLabels } from '../hosts/known-labels.ts'
import { reportWaiting } from '../metrics/archive-metrics.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import { createNotificationOutbox, type NotificationOutbox } from '../notifications/notification-outbox.ts'
import { watchHost } from '../pressure/watch-host.ts'
import { createJobQueue } from '../queue/job-queue.ts'
import { createRepositories } from '../repositories/create-repositories.ts'
import { createVault } from '../secrets/create-vault.ts'
import { secretsKeyFile } from '../secrets/key-file.ts'
import { createStatusOutbox } from '../statuses/status-outbox.ts'
import { bringSubmitted } from '../submissions/bring-submitted.ts'
import { createPruning } from '../submissions/pruning.ts'
import { startPruning } from '../submissions/start-pruning.ts'
import { createTokens } from '../tokens/create-tokens.ts'
import { openTraces } from '../traces/open-traces.ts'
import { followBuilds } from './follow-builds.ts'
import { openIndex } from './open-index.ts'
import { openRedis } from './open-redis.ts'
import { prefix } from './prefix.ts'
import type { ServeOrder } from './serve-order.ts'

export type Core = Awaited<ReturnType<typeof openCore>>

const standardGitLimits: Omit<GitLimits, 'bytes'> = { ms: 10 * 60_000, fileBytes: 2 ** 20 }

/** What every process of an installation has, whatever it does: Redis and all that stands on it. */
export async function openCore(order: ServeOrder, scope: Scope) {
  const { role, host, dataFolder, shelf, env, log } = order
  const gitLimits = order.gitLimits ?? { ...standardGitLimits, bytes: host.limits.repositoryBytes }
  const { redis, patient } = await openRedis({ host, dataFolder, env, uid: userInfo().uid, log, scope })
  const now = () => new Date()
  // Draws its randomness once a millisecond, not once a character.
  const nextUlid = monotonicFactory()
  const newId = () => nextUlid().toLowerCase()
  const archiveFolder = host.archive ?? dataFolder
  const { archive, ship, waiting } = await openArchive({ host, dataFolder, log, scope })
  const hosts = createHosts({ redis, prefix })
  await agreeOnProtocol({ redis, prefix, hosts, role, log })
  const index = await openIndex({
    ...{ redis, prefix, archive, hosts, kept: createKeptJobs({ redis, prefix }), now, log, scope },
  })
  const { store, keepRegister } = index
  const bus = await createRedisBus({ redis, prefix, log })
  await scope.defer('bus', () => bus.close())
  const keyFile = secretsKeyFile({ host, env })
  const openVault = await createVault({ redis, prefix, dataFolder, keyFile })
  const vault = keepingAfter(wholeVault(openVault, index.guard), ['set', 'remove'], keepRegister)
  const plainTokens = wholeTokens(createTokens({ redis, prefix, now }), index.guard)
  const tokens = keepingAfter(plainTokens, ['make', 'revoke'], keepRegister)
  const metrics = createMetrics()
  if (waiting !== undefined) reportWaiting({ metrics, waiting })
  const plainOptIns = createOptIns({ redis, prefix })
  const wholeOptIns = { ...plainOptIns, get: believing(index.guard, plainOptIns.get) }
  const optIns = keepingAfter(wholeOptIns, ['put', 'replace', 'remove'], keepRegister)
  const cordons = keepingAfter(createCordons({ redis, prefix }), ['put', 'remove'], keepRegister)
  const tickets = createTickets({ redis, prefix, now })
  const forges = createForges()
  const queue = createJobQueue({
    connection: patient,
    prefix,
    shareOf: (repository) => shareOf(store, repository),
  })
  await scope.defer('queue', () => queue.close())
  const git = { dataFolder, vault, limits: gitLimits, log, bringSubmitted: bringSubmitted(archive) }
  const mirror = createMirror(git)
  const pruning = createPruning({ git, archive, store, now })
  await scope.defer('pruning of submissions', startPruning(pruning))
  const outbox = createStatusOutbox({ connection: patient, prefix, forges, vault, archive, now, log })
  await scope.defer('status outbox', () => outbox.close())
  const notifications = createNotificationOutbox({ connection: patient, prefix, vault, archive, now, log })
  await scope.defer('notification outbox', () => notifications.close())
  const repositories = createRepositories({ store, vault, host, now })
  // Only one kind of process follows the host file, for two with different lists would undo each other.
  if (role !== 'worker') await announceSynced(repositories, log)

  const findRef = async (repository: Repository, ref: string) => {
    const sha = await resolveRef({ parts: git, repository, ref, signal: AbortSignal.timeout(gitLimits.ms) })
    if (sha === undefined)
      throw new ConfigError(`expected ${ref} in ${repository.name}, found no such branch or tag`)
    return sha
  }
  /** As people reach it; becomes known when the server listens. */
  const reached = { url: host.publicUrl ?? '' }
  const pageUrl = (page: { build: string } | { job: string } | { repository: string }) => {
    if ('build' in page) return `${reached.url}/builds/${page.build}`
    return 'job' in page
      ? `${reached.url}/jobs/${page.job}`
      : `${reached.url}/?repository=${encodeURIComponent(page.repository)}`
  }
  const hostCapacity = () => hostCapacities(hosts)
  const followWith = (told: Pick<NotificationOutbox, 'notify'>) =>
    followBuilds({ ...{ outbox: told, store, archive, log }, publicUrl: () => reached.url })
  const traces =
    host.traces && (await openTraces({ traces: host.traces, store, archiveFolder, pageUrl, log }))
  await scope.defer('traces', () => traces?.close())
  const follow = followWith(notifications)
  const onBuild: typeof follow = async (build, jobs) => {
    traces?.buildEnded(build)
    await follow(build, jobs)
  }
  const buildParts = {
    ...{
      store,
      queue,
      mirror,
      bus,
      outbox,
      host,
      hostCapacity,
      knownLabels: () => knownLabels(hosts),
      resolveRef: findRef,
      pageUrl,
      onBuild,
      onLimit: (limit: LimitName) => metrics.limits.inc({ limit }),
      now,
      newId,
      log,
    },
  }
  const builds = createBuildService(buildParts)

  const retell = () => retellBuilds({ parts: buildParts, archive, followWith, notifications })
  const rebuilt = [() => builds.recover(), retell]
  index.onRebuilt(async () => {
    for (const work of rebuilt) await work()
  })
  const pressure = await watchHost({ host, dataFolder, archiveFolder, metrics, log })
  await scope.defer('watch over disk and memory', () => pressure.close())
  return {
    ...{
      redis,
      patient,
      archiveFolder,
      ship,
      archive,
      hosts,
      cordons,
      index,
      store,
      bus,
      vault,
      tokens,
      metrics,
      optIns,
      tickets,
    },
    ...{
      forges,
      queue,
      git,
      pruning,
      mirror,
      repositories,
      findRef,
      reached,
      buildParts,
      builds,
      retell,
      rebuilt,
      pressure,
      traces,
    },
    ...{ role, host, dataFolder, shelf, log, now, newId },
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
