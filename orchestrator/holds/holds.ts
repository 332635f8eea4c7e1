import { join } from 'node:path'
import type { Logger } from 'pino'
import type { HostDebug } from '../../config/host/host-config.ts'
import { debugName, jobFolderPath } from '../../runner/job/filenames.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import type { Authorization } from '../gateway/gateway.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { BuildJob, JobHold, ParkedHold } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { attemptId } from '../worker/attempt-id.ts'
import { forgetSecrets } from './forget-secrets.ts'
import { greetingOf } from './hold-greeting.ts'
import type { EndOfHold, Holds, Kept } from './hold-parts.ts'
import type { KeptJobs } from './kept-jobs.ts'
import { letHoldOutlive } from './let-hold-outlive.ts'
import { debugKeys, type OptIns } from './opt-ins.ts'
import type { Parking } from './parking.ts'
import { readEnding } from './read-ending.ts'
import { steadyDate } from './steady-date.ts'
import type { Tickets } from './tickets.ts'
import { writeHolds } from './write-holds.ts'

type Options = {
  readonly debug: HostDebug
  readonly hostName: string
  /** Folder that holds the folders of jobs. */
  readonly archiveFolder: string
  readonly store: Pick<Store, 'jobs'>
  readonly optIns: Pick<OptIns, 'get'>
  readonly parking: Parking
  readonly kept: KeptJobs
  readonly tickets: Pick<Tickets, 'ofJob'>
  readonly now: () => Date
  readonly log: Logger
}

type Held = {
  readonly job: BuildJob
  /** Parked before, and still. */
  readonly before?: ParkedHold
  machine?: Machine
  /** Of a job that has just ended; what was resumed was parked without them. */
  secrets?: readonly string[]
  until?: () => Date
  /** Its `until` is written down; somebody may have read that before we heard that it was. */
  isTold?: boolean
  /** Writes the end down anew where the wall clock was set. */
  following?: NodeJS.Timeout
  greeting?: string
  timer?: NodeJS.Timeout
  ending?: Promise<void>
}

/** How often the wall clock is looked at, and how far it may be off what was written by it. ms */
const clockLookMs = 10_000
const clockDriftMs = 5_000

/** Keeps the machines of this host, in its slots, until their time is over. */
export function createHolds(options: Options): Holds {
  const { debug, hostName, archiveFolder, store, optIns, parking, kept, tickets, now, log } = options
  const held = new Map<string, Held>()
  const closing = new AbortController()
  let tellEnd: (job: string, why: string) => void = () => undefined

  const tryWrite = writeHolds({ store, kept, log })
  const destroy = (job: BuildJob, machine: Machine) =>
    machine
      .destroy('now')
      .catch((err: unknown) => aboutJob(log, job).error({ err }, 'a kept machine could not be ended'))
  const ended = (why: string) =>
    ({ state: 'ended', host: hostName, ended: now().toISOString(), why }) as const
  /** What to write of a machine that was to be parked; it is gone in any case. */
  const freeze = async (job: BuildJob, machine: Machine, before?: ParkedHold): Promise<JobHold> => {
    try {
      return await parking.park(job, machine)
    } catch (error) {
      const why = `it could not be parked: ${messageOf(error)}`
      aboutJob(log, job).warn({ err: error }, 'a machine could not be parked')
      return before === undefined ? ended(why) : { ...before, why }
    }
  }

  /** Only what has been opened is without secrets for certain; what was not is as it was before. */
  const parkOpen = async ({ job, machine, before, until, secrets }: Held, why: string): Promise<JobHold> => {
    if (machine === undefined || until === undefined) return before ?? ended(why)
    // Whoever visited it may have brought one back.
    const unclean = secrets === undefined ? undefined : await forgetSecrets({ machine, secrets })
    return unclean === undefined ? await freeze(job, machine, before) : ended(unclean)
  }

  const finish = async (entry: Held, why: string, how: EndOfHold) => {
    const { job, machine, before } = entry
    clearTimeout(entry.timer)
    clearInterval(entry.following)
    tellEnd(job.id, why)
    const hold = how === 'park' ? await parkOpen(entry, why) : ended(why)
    if (machine !== undefined) await destroy(job, machine)
    if (how === 'destroy' && before !== undefined) await parking.remove(job)
    if (held.get(job.id) === entry) held.delete(job.id)
    aboutJob(log, job).info({ why, hold }, 'a kept machine was ended')
    await tryWrite(job, hold)
  }
  const end = (entry: Held, why: string, how: EndOfHold = 'destroy') => {
    entry.ending ??= finish(entry, why, how)
    return entry.ending
  }

  const machineOf = (id: string): Machine => {
    const machine = held.get(id)?.machine
    if (machine === undefined) throw new Error(`the machine of job ${id} is gone`)
    return machine
  }

  /** Its slot was ended before there was a machine in it. */
  const endLate = async (entry: Held, machine: Machine) => {
    await destroy(entry.job, machine)
    await entry.ending
  }

  const open = async (entry: Held, machine: Machine, { record, ms, gateway }: Omit<Kept, 'secrets'>) => {
    const { job, before } = entry
    const consoleSize = await parking.consoleSize(job)
    await letHoldOutlive({ job, machine, secrets: entry.secrets ?? [], consoleSize, ms, log })
    const until = steadyDate({ ms, now })
    entry.greeting = greetingOf(record)
    // What was resumed goes on another day.
    const how = before === undefined ? 'destroy' : 'park'
    entry.timer = setTimeout(() => void end(entry, 'its time is over', how), ms)
    void machine.ended.then(({ kind }) => end(entry, `the machine ended: ${kind}`, how))
    aboutJob(log, job).info({ until: until() }, 'a machine is kept for its maintainers')
    const held = () =>
      ({ state: 'held', host: hostName, until: until().toISOString(), gateway, before }) as const
    let told = held()
    entry.until = until
    await tryWrite(job, told)
    entry.isTold = true
    entry.following = setInterval(() => {
      if (entry.ending !== undefined || Math.abs(until().getTime() - Date.parse(told.until)) < clockDriftMs)
        return
      told = held()
      void tryWrite(job, told)
    }, clockLookMs)
  }

  const begin = async (entry: Held, taken: Kept) => {
    const { machine, secrets } = taken
    entry.machine = machine
    entry.secrets = secrets
    if (entry.ending !== undefined) return await endLate(entry, machine)
    const why = await forgetSecrets(taken)
    if (why !== undefined) return await end(entry, why)
    if (entry.ending !== undefined) return await entry.ending
    await open(entry, machine, taken)
  }

  /** Why there is no slot, or the entry that has one now. */
  const take = (job: BuildJob, before?: ParkedHold): Held | string => {
    if (held.has(job.id)) return 'the machine of an earlier attempt is still kept'
    const here = [...held.values()]
    if (here.length >= debug.slots)
      return `${here.length} of ${debug.slots} machines are kept on this host already`
    const ofRepository = here.filter((entry) => entry.job.repository === job.repository)
    if (ofRepository.length >= debug.perRepository) {
      const others = ofRepository.map((entry) => entry.job.id).join(', ')
      return `its repository has ${ofRepository.length} of ${debug.perRepository} already: ${others}`
    }
    const entry: Held = { job, ...(before === undefined ? {} : { before }) }
    held.set(job.id, entry)
    return entry
  }

  const resume = async (id: string, gateway: Kept['gateway']) => {
    const job = await store.jobs.get(id)
    const before = job?.hold
    if (job === undefined || before?.state !== 'parked') return
    const entry = take(job, before)
    if (typeof entry === 'string') return await tryWrite(job, { ...before, why: entry })
    await tryWrite(job, { state: 'resuming', host: hostName, before })
    try {
      const machine = await parking.resume(job, closing.signal)
      entry.machine = machine
      if (entry.ending !== undefined) return await endLate(entry, machine)
      const record = await readEnding(jobFolderPath(archiveFolder, attemptId(job)))
      await open(entry, machine, {
        machine,
        record,
        ms: Math.min(job.job.debug.hold, debug.longest),
        gateway,
      })
    } catch (error) {
      aboutJob(log, job).warn({ err: error }, 'a parked machine could not be resumed')
      if (entry.ending !== undefined) return await entry.ending
      held.delete(id)
      await tryWrite(job, { ...before, why: `it could not be resumed: ${messageOf(error)}` })
    }
  }

  return {
    reserve(job) {
      const entry = take(job)
      if (typeof entry === 'string') return { why: entry }
      const release = () => {
        if (held.get(job.id) === entry && entry.machine === undefined) held.delete(job.id)
      }
      return { slot: { begin: (taken) => begin(entry, taken), release } }
    },
    async takeUp(job, { adopt, ms, secrets, consoleSize, before }, gateway) {
      const entry: Held = { job, secrets, ...(before && { before }) }
      held.set(job.id, entry)
      try {
        const jobFolder = jobFolderPath(archiveFolder, attemptId(job))
        const hooks = { signal: closing.signal, onNote: () => undefined }
        const machine = await parking.goOn(job, {
          ...{ secrets, consoleSize },
          adopt: (onConsole) => adopt({ ...hooks, onConsole }),
        })
        entry.machine = machine
        await open(entry, machine, { machine, record: await readEnding(jobFolder), ms, gateway })
        return true
      } catch (error) {
        held.delete(job.id)
        const why = messageOf(error)
        aboutJob(log, job).warn({ err: error }, 'a kept machine could not be taken up')
        await tryWrite(job, before === undefined ? ended(why) : { ...before, why })
        return false
      }
    },
    async park(job, taken) {
      await kept
        .add(job.id)
        .catch((err: unknown) => aboutJob(log, job).warn({ err }, 'a kept job is not listed'))
      const why = await forgetSecrets(taken)
      const hold = why === undefined ? await freeze(job, taken.machine) : ended(why)
      await destroy(job, taken.machine)
      await tryWrite(job, hold)
    },
    async discard(id, why) {
      const job = await store.jobs.get(id)
      if (job?.hold?.state !== 'parked' || !(await kept.claim(id, hostName))) return
      await parking.remove(job)
      await tryWrite(job, { ...ended(why), host: undefined })
      await kept.letGo(id)
    },
    async resume(id, gateway) {
      try {
        if (!(await kept.claim(id, hostName))) return
        await resume(id, gateway).finally(() => kept.letGo(id))
      } catch (error) {
        aboutJob(log, { id }).warn({ err: error }, 'a parked machine could not be looked at')
      }
    },
    async authorize(id) {
      const entry = held.get(id)
      const refused = (why: string): Authorization => ({ kind: 'refused', why })
      const isOpen = entry?.isTold === true || (await store.jobs.get(id))?.hold?.state === 'held'
      if (entry?.until === undefined || entry.ending !== undefined || !isOpen)
        return refused(`no machine of a job ${id} is kept here: it has ended, or never was`)
      const optIn = entry.job.debug?.optIn ?? (await optIns.get(entry.job.repository))
      if (optIn === undefined) return refused('its repository is not opted in to debug SSH any more')
      const { until, greeting = '' } = entry
      const keys = [...debugKeys(optIn), ...(await tickets.ofJob(id))]
      return { kind: 'open', keys, until: until(), greeting }
    },
    connect: async (id, signal) => await machineOf(id).visit(signal),
    openConsole: async (id, signal) => await machineOf(id).openConsole(signal),
    recordings(id) {
      const job = held.get(id)?.job
      return join(jobFolderPath(archiveFolder, job === undefined ? id : attemptId(job)), debugName)
    },
    async end(id, why, how) {
      const entry = held.get(id)
      if (entry === undefined) return false
      await end(entry, why, how)
      return true
    },
    onEnd(tell) {
      tellEnd = tell
    },
    async close() {
      closing.abort(new Error('its host stops'))
      await Promise.all([...held.values()].map((entry) => end(entry, 'its host stops', 'park')))
    },
  }
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
