import type { Logger } from 'pino'
import type { HostDebug } from '../../config/host/host-config.ts'
import type { Hosts } from '../hosts/hosts.ts'
import { aboutJob } from '../logs/about-job.ts'
import { type BuildJob, endStates, type JobHold, type ParkedHold } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { KeptJobs } from './kept-jobs.ts'
import type { Parking } from './parking.ts'

type SweepKept = {
  readonly debug: HostDebug
  readonly store: Pick<Store, 'jobs'>
  readonly kept: KeptJobs
  readonly parking: Pick<Parking, 'isParked' | 'remove'>
  readonly hosts: Pick<Hosts, 'list'>
  readonly now: () => Date
  readonly log: Logger
}

/**
 * Brings what is written of kept and parked machines in line with what there is: a machine of a host that is lost is
 * gone, or parked as it was before; what is parked goes after its time, and the oldest where there is too much of it.
 * Any host may do so at any time.
 */
export async function sweepKept(sweep: SweepKept): Promise<void> {
  const { store, kept, parking } = sweep
  const alive = new Set((await sweep.hosts.list()).filter(({ stale }) => !stale).map(({ name }) => name))
  const parked: { job: BuildJob; hold: ParkedHold }[] = []
  for (const id of await kept.list()) {
    const job = await store.jobs.get(id)
    const hold = job?.hold
    if (job === undefined || hold === undefined || hold.state === 'refused' || hold.state === 'ended') {
      if (job !== undefined) await parking.remove(job)
      await kept.remove(id)
    } else if (hold.state === 'parked') parked.push({ job, hold })
    else if (!alive.has(hold.host)) await mend(sweep, job, hold)
  }
  await removeOld(sweep, parked)
}

type Open = Extract<JobHold, { state: 'held' | 'resuming' }>

/** Its host ended without a word. */
async function mend(sweep: SweepKept, job: BuildJob, hold: Open): Promise<void> {
  const { parking, now } = sweep
  const why = 'its host ended'
  const before = 'before' in hold ? hold.before : undefined
  const isParked = before !== undefined && (await parking.isParked(job))
  await write(
    sweep,
    job,
    isParked ? { ...before, why } : { state: 'ended', host: hold.host, ended: now().toISOString(), why },
  )
}

async function removeOld(
  sweep: SweepKept,
  parked: readonly { job: BuildJob; hold: ParkedHold }[],
): Promise<void> {
  const { debug, now } = sweep
  const { quota } = debug.parked
  const newestFirst = parked.toSorted((a, b) => (a.hold.parked < b.hold.parked ? 1 : -1))
  let total = 0
  for (const { job, hold } of newestFirst) {
    total += hold.bytes
    if (Date.parse(hold.until) <= now().getTime()) await remove(sweep, job, 'it was parked for its time')
    else if (total > quota) await remove(sweep, job, 'what is parked took more than its quota')
  }
}

async function remove(sweep: SweepKept, job: BuildJob, why: string): Promise<void> {
  await sweep.parking.remove(job)
  await sweep.kept.remove(job.id)
  await write(sweep, job, { state: 'ended', host: undefined, ended: sweep.now().toISOString(), why })
}

async function write({ store, log }: SweepKept, job: BuildJob, hold: JobHold): Promise<void> {
  await store.jobs.change(job.id, endStates, { hold }, job.claim)
  aboutJob(log, job).info({ hold }, 'what is kept of a job was swept')
}
