import { readdir, readFile, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { jobsFolder, recordName } from '../../../runner/job/filenames.ts'
import { type BuildJob, isEnded } from '../../model/build.ts'
import { isKept } from '../../model/is-kept.ts'
import type { Store } from '../../model/store.ts'
import { attemptFolderPath } from '../filenames.ts'
import { attemptKey, completeName } from './keys.ts'
import type { ObjectStore } from './object-store.ts'
import { repeatedly } from './repeatedly.ts'
import { shipGrowing } from './ship-growing.ts'
import { shipWhole } from './ship-whole.ts'

export type ShipAttempts = {
  readonly bucket: ObjectStore
  readonly store: { readonly jobs: Pick<Store['jobs'], 'get'> }
  /** Of this host, in which `jobs/` is. */
  readonly folder: string
  /** As jobs name who has them. */
  readonly hostName: string
  readonly now: () => Date
  readonly log: Pick<Logger, 'warn' | 'info'>
  /** @defaultValue a look each two seconds, folders gone a minute after the end of their job */
  readonly times?: { readonly every: number; readonly linger: number }
}

type Shipped = { readonly growing: Map<string, number>; readonly whole: Map<string, string> }

/**
 * Brings what attempts leave on this host to the bucket: while they run as it grows, and whole when they have ended,
 * after which their folders go from here. What the bucket does not take stays and is brought later. Folders of
 * `mayfly run` and of jobs that the index does not know are left alone.
 */
export function shipAttempts(options: ShipAttempts): { close(): Promise<void> } {
  const { folder, log, times = { every: 2000, linger: 60_000 } } = options
  const known = new Map<string, Shipped>()
  const look = async (signal: AbortSignal) => {
    const attempts: string[] = await readdir(jobsFolder(folder)).catch(() => [])
    for (const gone of [...known.keys()].filter((one) => !attempts.includes(one))) known.delete(gone)
    for (const attempt of attempts) {
      if (signal.aborted) return
      const shipped = known.get(attempt) ?? { growing: new Map(), whole: new Map() }
      known.set(attempt, shipped)
      await shipAttempt({ ...options, attempt, shipped, linger: times.linger }).catch((err: unknown) =>
        log.warn({ err, folder: attempt }, 'what a job left is brought to the bucket later'),
      )
    }
  }
  return repeatedly(
    (signal) => look(signal).catch((err: unknown) => log.warn({ err }, 'no look at what jobs left')),
    times.every,
  )
}

type One = Omit<ShipAttempts, 'folder'> & {
  readonly folder: string
  readonly attempt: string
  readonly shipped: Shipped
  readonly linger: number
}

async function shipAttempt(one: One): Promise<void> {
  const { bucket, store, hostName, attempt, shipped, now, linger } = one
  const [, id, number] = /^(.+)-(\d+)$/.exec(attempt) ?? []
  const job = id === undefined ? undefined : await store.jobs.get(id)
  if (job === undefined || Number(number) > job.attempt) return
  const folder = attemptFolderPath(one.folder, attempt)
  const isPast = Number(number) < job.attempt
  const isOver = isPast || isEnded(job.state)
  if (!isOver || (!isPast && isKept(job, now()))) {
    if (job.host === hostName) await shipGrowing({ store: bucket, attempt, folder, shipped: shipped.growing })
    return
  }
  const isOurs = isOfThisHost(job, hostName) || (await hasVerdict(folder, job))
  const isThere = (await bucket.size(attemptKey(attempt, completeName))) !== undefined
  const ended = Date.parse(job.ended ?? '')
  const age = now().getTime() - ended
  // Another host may be about to: this folder may be of one that was put back and began anew there.
  if (!isOurs && !isThere && !isPast && age < 10 * linger) return
  if (isOurs || !isThere) await shipWhole({ store: bucket, attempt, folder, shipped: shipped.whole })
  if (!isPast && job.hold?.state === 'parked') return
  if (isPast || age > linger) await rm(folder, { recursive: true, force: true })
}

/** Names of processes end with their number: one that ended may have left it, in the same folder. */
function isOfThisHost({ host }: BuildJob, hostName: string): boolean {
  return host === hostName || host?.replace(/-\d+$/, '') === hostname()
}

/** For a computer whose name has changed since. */
async function hasVerdict(folder: string, job: BuildJob): Promise<boolean> {
  const text = await readFile(join(folder, recordName), 'utf8').catch(() => '{}')
  return (JSON.parse(text) as { verdict?: string }).verdict === job.state
}
