import type { ResumedJob } from '../../runner/job/job-order.ts'
import { monotonicMs } from '../../runner/keeper/lease.ts'
import type { Orphan } from '../../runner/machine/find-orphans.ts'
import { aboutJob } from '../logs/about-job.ts'
import { endStates } from '../model/build.ts'
import type { HoldMachineNote } from './machine-note.ts'
import type { TakeUpLeft } from './take-up-left.ts'

type TakeUpHold = Pick<TakeUpLeft, 'store' | 'debug' | 'hostName' | 'log'> & {
  readonly orphan: Orphan
  readonly note: HoldMachineNote
  readonly adopt: ResumedJob['adopt']
}

/** Goes on keeping a machine for its maintainers; false where it is to be ended, which its job then says. */
export async function takeUpHold(options: TakeUpHold): Promise<boolean> {
  const { store, debug, hostName, orphan, note, adopt, log } = options
  const job = await store.jobs.get(note.job)
  const hold = job?.hold
  if (job === undefined || job.attempt !== note.attempt || hold?.state !== 'held') return false
  const ms = note.until - monotonicMs()
  if (orphan.runs && ms > 0 && debug !== undefined) {
    aboutJob(log, job).info({ machine: orphan.id }, 'kept on: its process was killed')
    const { secrets, consoleSize } = note
    return await debug.holds.takeUp(
      job,
      { adopt, ms, secrets, consoleSize, before: hold.before },
      debug.gateway,
    )
  }
  const why =
    ms <= 0
      ? 'its time was over while its host was down'
      : orphan.runs
        ? 'its host keeps no machines any more'
        : 'the machine ended while its host was down'
  const ended = { state: 'ended', host: hostName, ended: new Date().toISOString(), why } as const
  const change = { hold: hold.before === undefined ? ended : { ...hold.before, why } }
  await store.jobs.change(job.id, endStates, change, job.claim)
  return false
}
