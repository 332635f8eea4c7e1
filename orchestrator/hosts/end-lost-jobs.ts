import type { Logger } from 'pino'
import type { BuildService } from '../builds/build-service.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { Store } from '../model/store.ts'
import type { Hosts } from './hosts.ts'
import type { LostHosts } from './lost-hosts.ts'

type Lost = {
  store: Store
  hosts: Hosts
  builds: BuildService
  now: () => Date
  log: Logger
  /** @defaultValue every host that is stale or gone is lost at once */
  lostHosts?: LostHosts
}

/**
 * Ends the jobs of hosts that are heard of no more as `errored: host-lost`, so that none runs for ever on a page; the
 * retry policy decides what comes next. Several processes may do this at once: each job is ended by one of them.
 */
export async function endLostJobs({ store, hosts, builds, now, log, lostHosts }: Lost): Promise<string[]> {
  // Jobs before hosts: one that came between the two is then known, and not taken for lost.
  const held = [...(await store.jobs.inState('claimed')), ...(await store.jobs.inState('running'))]
  const known = new Map((await hosts.list()).map((host) => [host.name, host]))
  const names = new Set(held.map(({ host }) => host).filter((host) => host !== undefined))
  const lost = [...names].filter((name) => known.get(name)?.stale !== false)
  const gone = new Set(lost.filter((name) => lostHosts?.isLost(name, known.get(name)?.heard) ?? true))
  const ended: string[] = []
  for (const job of held) {
    if (job.host === undefined || !gone.has(job.host)) continue
    const reason = `host ${job.host} has not been heard of; its machine is lost`
    const change = {
      state: 'errored' as const,
      failure: 'host-lost' as const,
      reason,
      ended: now().toISOString(),
    }
    const over = await store.jobs.change(job.id, ['claimed', 'running'], change, job.claim)
    if (over === undefined) continue
    aboutJob(log, job).warn({ host: job.host }, 'a job was lost with its host')
    ended.push(job.id)
    await builds.jobEnded(over)
  }
  return ended
}
