import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Client } from 'ssh2'
import type { HostDebug } from '../../config/host/host-config.ts'
import { debugName, jobFolderPath } from '../../runner/job/filenames.ts'
import type { JobRecord } from '../../runner/job/job-record.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import { timeLimit } from '../../runner/time-limit.ts'
import type { Authorization } from '../gateway/gateway.ts'
import { type BuildJob, endStates, type JobHold } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { attemptId } from '../worker/attempt-id.ts'
import type { OptIns } from './opt-ins.ts'

type Options = {
  readonly debug: HostDebug
  readonly hostName: string
  /** Folder that holds the folders of jobs. */
  readonly archiveFolder: string
  readonly store: Pick<Store, 'jobs'>
  readonly optIns: Pick<OptIns, 'get'>
  readonly now: () => Date
  readonly log: Logger
}

/** The machines that are kept on this host after their jobs' verdicts. */
export type Holds = {
  /** Takes one of the slots for a machine; why not where there is none free. */
  reserve(job: BuildJob): { readonly slot: Slot } | { readonly why: string }
  /** For the gateway: who may enter the machine of a job. */
  authorize(job: string): Promise<Authorization>
  connect(job: string, signal: AbortSignal): Promise<Client>
  /** Folder of the recordings of a job. */
  recordings(job: string): string
  /** Ends a hold; false where there is none of that job here. */
  end(job: string, why: string): Promise<boolean>
  /** Told when a hold ends, before its machine does. */
  onEnd(tell: (job: string, why: string) => void): void
  /** Ends all. */
  close(): Promise<void>
}

/** Room for one kept machine. */
export type Slot = {
  /** Opens the machine to its maintainers. The verdict has been told by then. Never rejects. */
  begin(kept: Kept): Promise<void>
  /** Gives the room back where nothing came of it; the machine is not ended. */
  release(): void
}

export type Kept = {
  readonly machine: Machine
  readonly record: JobRecord
  readonly secrets: readonly string[]
  /** milliseconds */
  readonly ms: number
  /** Where the gateway is, as maintainers reach it. */
  readonly gateway: { readonly host: string; readonly port: number; readonly hostKey: string }
}

type Held = {
  readonly job: BuildJob
  machine?: Machine
  until?: Date
  greeting?: string
  timer?: NodeJS.Timeout
  ending?: Promise<void>
}

/** Time for the secrets to be removed from a machine, ms. */
const forgetMs = 5 * 60_000

export function createHolds(options: Options): Holds {
  const { debug, hostName, archiveFolder, store, optIns, now, log } = options
  const held = new Map<string, Held>()
  let tellEnd: (job: string, why: string) => void = () => undefined

  // With the claim, so that it is never said of a later attempt.
  const write = async ({ id, claim }: BuildJob, hold: JobHold) => {
    const changed = await store.jobs.change(id, endStates, { hold }, claim)
    if (changed === undefined) log.warn({ job: id }, 'a kept machine whose job has no verdict any more')
  }
  const tryWrite = (job: BuildJob, hold: JobHold) =>
    write(job, hold).catch((err: unknown) =>
      log.warn({ job: job.id, err }, 'what is kept could not be written down'),
    )

  const finish = async (entry: Held, why: string) => {
    const { id } = entry.job
    clearTimeout(entry.timer)
    tellEnd(id, why)
    await entry.machine
      ?.destroy('now')
      .catch((err: unknown) => log.error({ job: id, err }, 'a kept machine could not be ended'))
    if (held.get(id) === entry) held.delete(id)
    log.info({ job: id, why }, 'a kept machine was ended')
    await tryWrite(entry.job, { state: 'ended', host: hostName, ended: now().toISOString(), why })
  }
  const end = (entry: Held, why: string) => {
    entry.ending ??= finish(entry, why)
    return entry.ending
  }

  /** Its slot was ended before there was a machine in it. */
  const endLate = async (entry: Held, machine: Machine) => {
    await machine
      .destroy('now')
      .catch((err: unknown) => log.error({ job: entry.job.id, err }, 'a kept machine could not be ended'))
    await entry.ending
  }

  const begin = async (entry: Held, { machine, record, secrets, ms, gateway }: Kept) => {
    const { id } = entry.job
    entry.machine = machine
    if (entry.ending !== undefined) return await endLate(entry, machine)
    const limit = timeLimit(new AbortController().signal, forgetMs)
    try {
      await machine.forgetSecrets(secrets, limit.signal)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      return await end(entry, `its secrets could not be removed: ${message}`)
    } finally {
      limit.clear()
    }
    if (entry.ending !== undefined) return await entry.ending
    const until = new Date(now().getTime() + ms)
    entry.greeting = greetingOf(record)
    entry.timer = setTimeout(() => void end(entry, 'its time is over'), ms)
    void machine.ended.then(({ kind }) => end(entry, `the machine ended: ${kind}`))
    log.info({ job: id, until }, 'a machine is kept for its maintainers')
    await tryWrite(entry.job, { state: 'held', host: hostName, until: until.toISOString(), gateway })
    entry.until = until
  }

  return {
    reserve(job) {
      if (held.has(job.id)) return { why: 'the machine of an earlier attempt is still kept' }
      const here = [...held.values()]
      if (here.length >= debug.slots)
        return { why: `${here.length} of ${debug.slots} machines are kept on this host already` }
      const ofRepository = here.filter((entry) => entry.job.repository === job.repository)
      if (ofRepository.length >= debug.perRepository) {
        const others = ofRepository.map((entry) => entry.job.id).join(', ')
        return {
          why: `its repository has ${ofRepository.length} of ${debug.perRepository} already: ${others}`,
        }
      }
      const entry: Held = { job }
      held.set(job.id, entry)
      const release = () => {
        if (held.get(job.id) === entry && entry.machine === undefined) held.delete(job.id)
      }
      return { slot: { begin: (kept) => begin(entry, kept), release } }
    },
    async authorize(id) {
      const entry = held.get(id)
      const refused = (why: string): Authorization => ({ kind: 'refused', why })
      if (entry?.until === undefined || entry.ending !== undefined)
        return refused(`no machine of a job ${id} is kept here: it has ended, or never was`)
      const optIn = await optIns.get(entry.job.repository)
      if (optIn === undefined) return refused('its repository is not opted in to debug SSH any more')
      const { until, greeting = '' } = entry
      return { kind: 'open', keys: optIn.keys, until, greeting }
    },
    async connect(id, signal) {
      const machine = held.get(id)?.machine
      if (machine === undefined) throw new Error(`the machine of job ${id} is gone`)
      return await machine.visit(signal)
    },
    recordings(id) {
      const job = held.get(id)?.job
      return join(jobFolderPath(archiveFolder, job === undefined ? id : attemptId(job)), debugName)
    },
    async end(id, why) {
      const entry = held.get(id)
      if (entry === undefined) return false
      await end(entry, why)
      return true
    },
    onEnd(tell) {
      tellEnd = tell
    },
    async close() {
      await Promise.all([...held.values()].map((entry) => end(entry, 'its host stops')))
    },
  }
}

/** What failed, and where to look first. */
function greetingOf({ verdict, reason, hint }: JobRecord): string {
  return [
    `${verdict}${reason === undefined ? '' : `: ${reason}`}`,
    ...(hint === undefined ? [] : [hint]),
    'The files are in ~/work. `. /run/mayfly/job/env` sets the environment of the steps; the secrets were removed.',
  ].join('\n')
}
