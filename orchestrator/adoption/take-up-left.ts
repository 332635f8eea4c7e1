import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { ResumedJob } from '../../runner/job/job-order.ts'
import { adoptMachine } from '../../runner/machine/adopt-machine.ts'
import { clearMachine } from '../../runner/machine/clear-machine.ts'
import { findOrphans, type Orphan } from '../../runner/machine/find-orphans.ts'
import type { BuildService } from '../builds/build-service.ts'
import type { Holds } from '../holds/hold-parts.ts'
import type { DebugParts } from '../holds/open-debug.ts'
import type { Hosts } from '../hosts/hosts.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import { type HoldMachineNote, type JobMachineNote, readMachineNote } from './machine-note.ts'
import { findGone, type GoneProcess, signOut } from './processes.ts'
import { settleJob } from './settle-job.ts'
import { takeUpHold } from './take-up-hold.ts'

export type TakeUpLeft = {
  readonly dataFolder: string
  /** Where jobs' folders are. */
  readonly archiveFolder: string
  /** Name of this host; already announced, or the others would take what it takes up for lost. */
  readonly hostName: string
  readonly host: HostConfig
  readonly store: Pick<Store, 'jobs'>
  readonly queue: Pick<JobQueue, 'drop' | 'addAhead'>
  readonly hosts: Pick<Hosts, 'leave'>
  readonly builds: Pick<BuildService, 'jobEnded'>
  /** Undefined where this host keeps no machines. */
  readonly debug: (Pick<DebugParts, 'gateway'> & { readonly holds: Pick<Holds, 'takeUp'> }) | undefined
  readonly log: Logger
}

/** A job whose process is gone, ours now; it runs in its machine, or did. */
export type LeftJob = {
  readonly job: BuildJob
  readonly note: JobMachineNote
  readonly adopt: ResumedJob['adopt']
  /** Ends its machine where nobody has taken it up. */
  readonly giveUp: () => Promise<void>
}

/**
 * Looks after what processes of this data folder that are gone left: machines go on with their jobs or their maintainers, those
 * that belong to nobody are ended, and the other jobs of those processes are put back in line, or ended where they could
 * have been run twice. Gives the jobs to go on with. To be called before this host takes any.
 */
export async function takeUpLeft(options: TakeUpLeft): Promise<LeftJob[]> {
  const { dataFolder, store, queue, hosts, log } = options
  const processes = await findGone(dataFolder)
  const left: LeftJob[] = []
  for (const orphan of await findOrphans(dataFolder)) {
    const note = readMachineNote(orphan.keepsake?.note)
    const job = note?.kind === 'job' ? await takeOver({ ...options, orphan, note, processes }) : undefined
    if (note?.kind === 'job' && job !== undefined) {
      aboutJob(log, job).info({ machine: orphan.id, runs: orphan.runs }, 'taken up: its process is gone')
      await queue.drop(job)
      left.push({ job, note, ...leftMachine(options, orphan) })
    } else if (note?.kind === 'hold') await hold(options, orphan, note)
    else await clear(options, orphan)
  }
  for (const { hostName, leftJobs } of processes) {
    const held = [...(await store.jobs.inState('claimed')), ...(await store.jobs.inState('running'))]
    for (const job of held.filter(({ host }) => host === hostName))
      await settleJob(options, job, { leftJobs })
    await hosts.leave(hostName)
    await signOut({ dataFolder, hostName })
  }
  return left
}

function leftMachine(options: TakeUpLeft, orphan: Orphan): Pick<LeftJob, 'adopt' | 'giveUp'> {
  const adopt = adoptOrphan(options, orphan)
  let isTaken = false
  return {
    adopt: (hooks) => {
      isTaken = true
      return adopt(hooks)
    },
    giveUp: async () => {
      if (!isTaken) await clear(options, orphan)
    },
  }
}

type TakeOver = TakeUpLeft & {
  readonly orphan: Orphan
  readonly note: JobMachineNote
  readonly processes: readonly GoneProcess[]
}

/**
 * With a new fencing token, so that nobody else goes on with it; undefined where somebody has, or it has ended. One whose
 * machine ended while its server was being restarted is not gone on with: it begins anew.
 */
async function takeOver({
  store,
  hostName,
  orphan,
  note,
  processes,
}: TakeOver): Promise<BuildJob | undefined> {
  const job = await store.jobs.get(note.job)
  if (job === undefined || job.attempt !== note.attempt) return undefined
  const process = processes.find((gone) => gone.hostName === job.host)
  if (process === undefined || (process.leftJobs && !orphan.runs)) return undefined
  return await store.jobs.takeOver(job.id, hostName, job.claim)
}

function adoptOrphan(options: TakeUpLeft, orphan: Orphan): ResumedJob['adopt'] {
  return async (hooks) => {
    try {
      return await adoptMachine({ ...options, orphan, ...hooks })
    } catch (error) {
      await clear(options, orphan)
      throw error
    }
  }
}

async function hold(options: TakeUpLeft, orphan: Orphan, note: HoldMachineNote): Promise<void> {
  const adopt = adoptOrphan(options, orphan)
  if (!(await takeUpHold({ ...options, orphan, note, adopt }))) await clear(options, orphan)
}

async function clear({ dataFolder, log }: TakeUpLeft, { id, record }: Orphan): Promise<void> {
  log.info({ machine: id }, 'ended: it belongs to nobody')
  await clearMachine({ dataFolder, id, record })
}
