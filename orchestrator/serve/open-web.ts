import { hostname } from 'node:os'
import type { Logger } from 'pino'
import type { Scope } from '../../runner/scope.ts'
import { createSchedules, type Schedules } from '../builds/schedules.ts'
import { waitingJobs } from '../builds/waiting-jobs.ts'
import type { Commit } from '../git/mirror.ts'
import { createFleet } from '../hosts/fleet.ts'
import { createApp } from '../http/app.ts'
import { reportHosts } from '../metrics/host-metrics.ts'
import { reportLimits } from '../metrics/limit-metrics.ts'
import { reportLine } from '../metrics/line-metrics.ts'
import type { Repository } from '../model/repository.ts'
import { createPages } from '../pages/pages.tsx'
import { tellChanges } from '../repositories/tell-changes.ts'
import { createSubmissions } from '../submissions/create-submissions.ts'
import { createBrowserShells } from '../terminal/browser-shells.ts'
import { enterGateway } from '../terminal/enter-gateway.ts'
import { ensureAdminToken } from '../tokens/ensure-admin-token.ts'
import { createDeliveries } from './create-deliveries.ts'
import { listen } from './listen.ts'
import type { Core } from './open-core.ts'
import { prefix } from './prefix.ts'
import { readinessOf } from './readiness-of.ts'
import { writeServerRecord } from './server-record.ts'

/** Answers HTTP: webhooks, pages, API. Gives where, as people reach it. */
export async function openWeb(core: Core, scope: Scope): Promise<string> {
  const { redis, patient, archive, store, bus, vault, tokens, metrics, optIns, tickets, hosts, cordons } =
    core
  const {
    forges,
    git,
    pruning,
    mirror,
    repositories,
    findRef,
    reached,
    buildParts,
    builds,
    rebuilt,
    pressure,
  } = core
  const { host, dataFolder, shelf, log, now, newId } = core
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
  rebuilt.push(() => followRepositories(schedules, log))
  const followed = tellChanges(repositories, () => followRepositories(schedules, log))
  reportHosts({ metrics, hosts })
  reportLimits({ metrics, limits: host.limits })
  reportLine({ metrics, store })
  const submissions = createSubmissions({
    ...{ git, archive, pruning, store, builds, now, newId },
    bytes: Math.min(host.limits.uploadBytes, git.limits.bytes),
  })
  const shells = createBrowserShells({
    enter: (entering) => enterGateway({ tickets, hostName: hostname() }, entering),
  })
  await scope.defer('terminals', () => shells.close())
  const fleet = createFleet({ hosts, cordons, bus, store, builds, now, log })
  const queueView = {
    waiting: (limit: number) => waitingJobs(buildParts, limit),
    hosts: () => hosts.list(),
  }
  const httpParts = {
    ...{
      archive,
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
      fleet,
      optIns,
      shells,
      readiness: readinessOf({ redis, pressure }),
      now,
      log,
    },
    ...{ queue: queueView, resolveRef: findRef, trustedProxies: host.trustedProxies, limits: host.limits },
    jobFiles: async (repository: Repository, commit: Commit, signal: AbortSignal) => {
      await mirror.fetch(repository, commit, signal)
      return await mirror.source(repository, commit, { bytes: host.limits.uploadBytes }, signal)
    },
    get publicUrl() {
      return reached.url
    },
  }
  if (host.adminTokenFile !== undefined) await ensureAdminToken(tokens, host.adminTokenFile)
  const listening = await listen({
    app: createApp(httpParts, createPages(httpParts)),
    host,
    tokens,
    metrics,
    log,
  })
  await scope.defer('HTTP server', () => listening.close())
  const url = host.publicUrl ?? listening.url
  reached.url = url
  await scope.defer('server record', await writeServerRecord(dataFolder, listening.url))
  return url
}

/** After a change of a repository, which stands whatever becomes of its schedules. */
async function followRepositories(schedules: Pick<Schedules, 'sync'>, log: Logger): Promise<void> {
  try {
    for (const problem of await schedules.sync()) log.warn(problem)
  } catch (err) {
    log.warn({ err }, 'the clock follows the repositories with the next change or start')
  }
}
