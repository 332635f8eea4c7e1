import type { Logger } from 'pino'
import type { JobOrder } from '../../runner/job/job-order.ts'
import { aboutJob } from '../logs/about-job.ts'
import { type Build, type BuildJob, endStates } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { decideHold } from './decide-hold.ts'
import type { DebugParts } from './open-debug.ts'

type PrepareHold = {
  readonly debug: DebugParts | undefined
  readonly store: Pick<Store, 'jobs'>
  readonly build: Build
  readonly job: BuildJob
  readonly secrets: Readonly<Record<string, string>>
  readonly log: Logger
}

/** A machine that was taken over, or the reason why it was not though somebody asked. */
export type TakenHold = {
  /** Once the verdict has been told. Never rejects. */
  begin(): Promise<void>
  /** Ends the machine, for the job is not ours any more. Never rejects. */
  giveUp(): Promise<void>
}

export type PreparedHold = {
  readonly take: NonNullable<JobOrder['keepMachine']>
  taken(): TakenHold | undefined
}

/** Reads who may debug a job's repository, so that its machine can be taken over the moment it has its verdict. */
export async function prepareHold(prepare: PrepareHold): Promise<PreparedHold> {
  const { debug, store, build, job, secrets, log } = prepare
  const isAsked = job.job.debug.on !== 'never' || job.debug !== undefined
  const optIn = job.debug?.optIn ?? (isAsked ? await debug?.optIns.get(job.repository) : undefined)
  let taken: TakenHold | undefined
  const refuse = (why: string) => {
    const write = async () => {
      await store.jobs.change(job.id, endStates, { hold: { state: 'refused', why } }, job.claim)
    }
    taken = {
      begin: () =>
        write().catch((err: unknown) => aboutJob(log, job).warn({ err }, 'a refusal was not kept')),
      giveUp: async () => undefined,
    }
    return false
  }
  return {
    taken: () => taken,
    take: (record, machine) => {
      const decision = decideHold({ debug: debug?.debug, build, job, optIn, record, secrets })
      if (decision.kind === 'none') return decision.why === undefined ? false : refuse(decision.why)
      if (debug === undefined) return false
      const giveUp = () =>
        machine
          .destroy('now')
          .catch((err: unknown) => aboutJob(log, job).error({ err }, 'a machine could not be ended'))
      const kept = {
        machine,
        record,
        secrets: Object.values(secrets),
        ms: decision.ms,
        gateway: debug.gateway,
      }
      if (decision.kind === 'park') {
        taken = { begin: () => debug.holds.park(job, kept), giveUp: async () => void (await giveUp()) }
        return true
      }
      const reserved = debug.holds.reserve(job)
      if ('why' in reserved) return refuse(reserved.why)
      const { slot } = reserved
      taken = {
        begin: () => slot.begin(kept),
        giveUp: async () => {
          slot.release()
          await giveUp()
        },
      }
      return true
    },
  }
}
