import type { Logger } from 'pino'
import { ConfigError } from '../../config/errors.ts'
import type { BuildService } from '../builds/build-service.ts'
import type { Bus } from '../bus/bus.ts'
import type { HostStatus } from '../model/queue-view.ts'
import type { Store } from '../model/store.ts'
import type { Cordons } from './cordons.ts'
import { endLostJobs } from './end-lost-jobs.ts'
import { findHosts } from './find-hosts.ts'
import type { Hosts } from './hosts.ts'

/** What people do with hosts, by what they are called. Each method rejects with ConfigError for one nobody has heard of. */
export type Fleet = {
  /** The processes that serve on it, and its cordon in them. */
  show(name: string): Promise<ShownHost>
  /** It takes nothing new; what runs there goes on. Holds until `uncordon`, over any restart. */
  cordon(name: string, word: Word): Promise<ShownHost>
  uncordon(name: string, word: Pick<Word, 'by'>): Promise<ShownHost>
  /** A cordon; what still runs after `ms` is put back in line. Without them, it ends by itself. */
  drain(name: string, word: Word & { readonly ms?: number | undefined }): Promise<ShownHost>
  /**
   * Takes a silent host off the list and ends its jobs as lost at once, instead of in a while.
   * @throws ConfigError for one that is alive
   */
  remove(name: string, word: Pick<Word, 'by'>): Promise<RemovedHost>
}

/** `by`: name of a token. `why`: one line. */
type Word = { readonly by: string; readonly why?: string | undefined }

export type ShownHost = {
  readonly host: string
  readonly cordon: HostStatus['cordon']
  readonly processes: readonly HostStatus[]
}

/** Names of processes, ids of jobs. */
export type RemovedHost = { readonly removed: readonly string[]; readonly jobs: readonly string[] }

type Parts = {
  readonly hosts: Hosts
  readonly cordons: Cordons
  readonly bus: Pick<Bus, 'publish'>
  readonly store: Store
  readonly builds: BuildService
  readonly now: () => Date
  readonly log: Logger
}

export function createFleet(parts: Parts): Fleet {
  const { hosts, cordons, bus, log } = parts
  const show = async (name: string): Promise<ShownHost> => {
    const { computer, processes } = await findHosts(hosts, name)
    return { host: computer, cordon: await cordons.get(computer), processes }
  }
  const put = async (name: string, { by, why }: Word, drain?: { until?: string }) => {
    const { computer } = await findHosts(hosts, name)
    const at = (await hosts.now()).toISOString()
    await cordons.put(computer, { by, at, ...(why ? { why } : {}), ...(drain && { drain }) })
    log.info({ host: computer, by, why, drain }, drain ? 'a host is drained' : 'a host is cordoned')
    await bus.publish({ type: 'host', id: computer })
    return await show(computer)
  }
  return {
    show,
    cordon: (name, word) => put(name, word),
    drain: async (name, { ms, ...word }) => {
      const until = ms === undefined ? undefined : new Date((await hosts.now()).getTime() + ms).toISOString()
      return await put(name, word, until === undefined ? {} : { until })
    },
    uncordon: async (name, { by }) => {
      const { computer } = await findHosts(hosts, name)
      if (await cordons.remove(computer)) log.info({ host: computer, by }, 'a host takes jobs again')
      await bus.publish({ type: 'host', id: computer })
      return await show(computer)
    },
    remove: (name, { by }) => remove(parts, name, by),
  }
}

async function remove(parts: Parts, name: string, by: string): Promise<RemovedHost> {
  const { hosts, cordons, bus, log } = parts
  const { computer, processes, isOne } = await findHosts(hosts, name)
  refuseAlive(name, processes)
  const removed = processes.map((host) => host.name)
  const gone = new Set(removed)
  const jobs = await endLostJobs({ ...parts, lostHosts: { isLost: (host) => gone.has(host) } })
  for (const host of removed) await hosts.leave(host)
  const others = (await hosts.list()).some((host) => host.computer === computer)
  if (!isOne && !others) {
    await hosts.forget(computer)
    await cordons.remove(computer)
  }
  log.info({ host: name, by, removed, jobs }, 'a silent host was removed')
  await bus.publish({ type: 'host', id: computer })
  return { removed, jobs }
}

function refuseAlive(name: string, processes: readonly HostStatus[]): void {
  const alive = processes.find(({ stale }) => !stale)
  if (alive === undefined) return
  const silent = processes.filter(({ stale }) => stale).map((host) => host.name)
  const away = alive.awayUntil !== undefined
  const found = away
    ? `${alive.name}, whose machines go on until ${alive.awayUntil} while its server is restarted`
    : `${alive.name}, which was heard of at ${alive.heard}`
  throw new ConfigError(`expected a host that is silent, got ${found}`, {
    hint:
      silent.length > 0
        ? `the silent one there is ${silent.join(', ')}`
        : `take its jobs from it first: mayfly hosts drain ${name} --wait, then stop its server`,
  })
}
