import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Client } from 'ssh2'
import { debugName, jobFolderPath } from '../../runner/job/filenames.ts'
import type { Admit } from '../../runner/job/job-order.ts'
import { cleanText } from '../../runner/logs/clean-text.ts'
import type { AuditEntry } from '../gateway/audit-entry.ts'
import type { Authorization } from '../gateway/gateway.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { BuildJob } from '../model/build.ts'
import { attemptId } from '../worker/attempt-id.ts'
import { debugKeys, type OptIns } from './opt-ins.ts'
import { steadyDate } from './steady-date.ts'

type Options = {
  /** Folder that holds the folders of jobs. */
  readonly archiveFolder: string
  readonly optIns: Pick<OptIns, 'get'>
  readonly now: () => Date
  readonly log: Logger
}

/** The machines of jobs that run on this host and let maintainers in beside them. */
export type Visits = {
  /** From here on maintainers may enter; what it gives ends that, and resolves when nobody is left inside. */
  open(job: BuildJob, running: Parameters<Admit>[0]): () => Promise<void>
  /** For the gateway, as in `Holds`; each is undefined where the job is not open. */
  authorize(job: string): Promise<Authorization> | undefined
  connect(job: string, signal: AbortSignal): Promise<Client> | undefined
  recordings(job: string): string | undefined
  /** Takes from the gateway's record what the log of the job has to say. */
  hear(entry: AuditEntry): void
  /** Who ends the sessions of a job; resolves when they are over. */
  onEnd(end: (job: string, why: string) => Promise<void>): void
}

type Running = {
  readonly job: BuildJob
  readonly running: Parameters<Admit>[0]
  readonly until: () => Date
  readonly clients: Set<Client>
}

export function createVisits({ archiveFolder, optIns, now, log }: Options): Visits {
  const open = new Map<string, Running>()
  /** Who is inside; by the session, for a job that is no longer open still hears that they left. */
  const sessions = new Map<string, Running>()
  let endSessions: (job: string, why: string) => Promise<void> = async () => undefined

  const authorize = async ({ job, until }: Running): Promise<Authorization> => {
    const optIn = job.debug?.optIn ?? (await optIns.get(job.repository))
    if (optIn === undefined || !open.has(job.id))
      return {
        kind: 'refused',
        why: `job ${job.id} is not open: its repository is not opted in any more, or it ended`,
      }
    return { kind: 'open', keys: debugKeys(optIn), until: until(), greeting }
  }
  const connect = async (entry: Running, signal: AbortSignal) => {
    const client = await entry.running.machine.visit(signal)
    if (open.get(entry.job.id) !== entry) {
      client.destroy()
      throw new Error(`job ${entry.job.id} has ended`)
    }
    entry.clients.add(client)
    client.once('close', () => entry.clients.delete(client))
    return client
  }

  return {
    open(job, running) {
      // Longer than the job can take; it ends earlier than this.
      const until = steadyDate({ ms: job.job.timeout, now })
      const entry: Running = { job, running, until, clients: new Set() }
      open.set(job.id, entry)
      aboutJob(log, job).info('a running job is open to its maintainers')
      return async () => {
        if (open.get(job.id) === entry) open.delete(job.id)
        const why = 'the steps of this job are over; if its machine is kept, come in again'
        await endSessions(job.id, why).catch((err: unknown) =>
          aboutJob(log, job).error({ err }, 'a session did not end'),
        )
        for (const client of entry.clients) client.destroy()
      }
    },
    authorize(id) {
      const entry = open.get(id)
      return entry && authorize(entry)
    },
    connect(id, signal) {
      const entry = open.get(id)
      return entry && connect(entry, signal)
    },
    recordings(id) {
      const entry = open.get(id)
      return entry && join(jobFolderPath(archiveFolder, attemptId(entry.job)), debugName)
    },
    hear(entry) {
      if (entry.what !== 'login' && entry.what !== 'ended') return
      const inside = entry.what === 'login' ? open.get(entry.job) : sessions.get(entry.session)
      if (inside === undefined) return
      if (entry.what === 'login') sessions.set(entry.session, inside)
      else sessions.delete(entry.session)
      const who = cleanText(entry.who).replaceAll(/\s+/g, ' ').slice(0, 100)
      const did = entry.what === 'login' ? 'came in over' : 'left'
      inside.running.remark(`${who} ${did} debug SSH at ${entry.at.toISOString()}`)
    },
    onEnd(end) {
      endSessions = end
    },
  }
}

const greeting = [
  'The job runs: what you do, you do beside it. Its log says that you are here.',
  'Its secrets are in the machine: take none out of it.',
].join('\n')
