import type { BuildJob } from '../model/build.ts'
import { hasLabels } from '../model/has-labels.ts'
import type { HostStatus } from '../model/queue-view.ts'
import { fits } from '../queue/capacity.ts'
import type { Hosts } from './hosts.ts'
import type { WarmHosts } from './warm-hosts.ts'

type Options = {
  readonly hosts: Pick<Hosts, 'list'>
  readonly warmHosts: Pick<WarmHosts, 'has' | 'of'>
  /** What the host that has the job now is called, whatever process serves there. */
  readonly computer: string
}

/**
 * The process of a host with room now that has what a job starts from, where `computer` has not; undefined where none is better. Nobody
 * waits for one: a start from nothing is quicker than a place in line.
 */
export async function betterHost(
  { hosts, warmHosts, computer }: Options,
  job: BuildJob,
): Promise<string | undefined> {
  if (await warmHosts.has(job, computer)) return undefined
  const warm = await warmHosts.of(job)
  if (warm.length === 0) return undefined
  const able = (await hosts.list()).filter((host) => canTake(host, job))
  for (const name of warm) {
    const host = able.find((host) => (host.computer ?? host.name) === name)
    if (host !== undefined) return host.name
  }
  return undefined
}

function canTake(host: HostStatus, { resources, runsOn }: BuildJob): boolean {
  const { cpus, memory, labels, stale, pressure, cordon, awayUntil } = host
  const free = { cpus: cpus.total - cpus.taken, memory: memory.total - memory.taken }
  const takesJobs = !stale && pressure === undefined && cordon === undefined && awayUntil === undefined
  return takesJobs && fits(free, resources) && hasLabels(labels, runsOn)
}
