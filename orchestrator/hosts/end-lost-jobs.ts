import type { Logger } from 'pino'
import type { BuildService } from '../builds/build-service.ts'
import type { Store } from '../model/store.ts'
import type { Hosts } from './hosts.ts'

type Lost = { store: Store; hosts: Hosts; builds: BuildService; now: () => Date; log: Logger }

/**
 * Ends the jobs of hosts that are heard of no more as `errored: host-lost`, so that none runs for ever on a page; the
 * retry policy decides what comes next. Several processes may do this at once: each job is ended by one of them.
 */
export async function endLostJobs({ store, hosts, builds, now, log }: Lost): Promise<string[]> {
  // Jobs before hosts: one that came between the two is then known, and not taken for lost.
  const held = [...(await store.jobs.inState('claimed')), ...(await store.jobs.inState('running'))]
  const alive = new Set((await hosts.list()).filter(({ stale }) => !stale).map(({ name }) => name))
  const ended: string[] = []
  for (const job of held) {
    if (job.host === undefined || alive.has(job.host)) continue
    const reason = `host ${job.host} has not been heard of; its machine is lost`
    const change = {
      state: 'errored' as const,
      failure: 'host-lost' as const,
      reason,
      ended: now().toISOString(),
    }
    const lost = await store.jobs.change(job.id, ['claimed', 'running'], change, job.claim)
    if (lost === undefined) continue
    log.warn({ job: job.id, host: job.host }, 'a job was lost with its host')
    ended.push(job.id)
    await builds.jobEnded(lost)
  }
  return ended
}
