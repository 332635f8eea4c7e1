import type { Redis } from 'ioredis'
import { groupOf } from '../builds/concurrency.ts'
import type { KeptJobs } from '../holds/kept-jobs.ts'
import type { Hosts } from '../hosts/hosts.ts'
import { type BuildJob, isEnded } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { createRestoreRecords } from '../store/restore-records.ts'
import type { Archive, ArchivedBuild } from './archive.ts'
import { readDeliveryJournal } from './delivery-journal.ts'
import { isIndexMarked, markIndex } from './index-mark.ts'
import { restoreRegister } from './register.ts'

export type ReindexParts = {
  readonly redis: Redis
  readonly prefix: string
  readonly archive: Pick<Archive, 'builds' | 'read' | 'deliveries' | 'readRegister'>
  readonly store: Pick<Store, 'groups'>
  readonly hosts: Pick<Hosts, 'expect'>
  readonly kept: Pick<KeptJobs, 'add'>
  readonly now: () => Date
  /** Told after each build. */
  readonly onProgress?: (done: number, all: number) => void | Promise<void>
}

/** How many entries were written; what the index has of the same or newer age is left as it is. */
export type Reindexed = {
  /** In the archive. */
  readonly found: number
  readonly builds: number
  readonly jobs: number
  readonly deliveries: number
  /** Repositories, secrets, tokens and opt-ins. */
  readonly register: number
  /** Folders and files that could not be read, with why. */
  readonly problems: readonly string[]
}

/**
 * Makes the index in Redis from the archive: what is missing there or older. Ended builds come back as ended, what
 * waited waits, what ran is expected from the host that ran it. May be done at any time, any number of times, also
 * while servers run; what people set up is put back only where all of the index was lost, for else its absence is
 * their will.
 */
export async function reindex(parts: ReindexParts): Promise<Reindexed> {
  const { redis, prefix, archive, now, onProgress } = parts
  const restore = createRestoreRecords({ redis, prefix })
  const problems: string[] = []
  const text = (await isIndexMarked({ redis, prefix })) ? undefined : await archive.readRegister()
  const register = text === undefined ? 0 : await restoreRegister({ redis, prefix }, text)
  const written = { builds: 0, jobs: 0, deliveries: 0 }
  const ids = await archive.builds()
  for (const [place, id] of ids.entries()) {
    const found = await readBuild(archive, id, problems)
    if (found !== undefined) {
      await expectHosts(parts, found)
      const restored = new Set(await restore.build(found.build, found.jobs.map(withNewClaim)))
      if (restored.delete(id)) written.builds += 1
      written.jobs += restored.size
      await holdPlaces(
        parts,
        found.jobs.filter((job) => restored.has(job.id)),
      )
    }
    await onProgress?.(place + 1, ids.length)
  }
  for await (const { delivery, body } of readDeliveryJournal(archive))
    if (await restore.delivery(delivery, body)) written.deliveries += 1
  await markIndex({ redis, prefix }, now())
  return { found: ids.length, ...written, register, problems }
}

async function readBuild(
  archive: ReindexParts['archive'],
  id: string,
  problems: string[],
): Promise<ArchivedBuild | undefined> {
  try {
    const found = await archive.read(id)
    if (found === undefined) problems.push(`builds/${id}: expected its record, found none`)
    return found
  } catch (error) {
    problems.push(`builds/${id}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

const isHeld = ({ state }: BuildJob) => state === 'claimed' || state === 'running'

/** Before their jobs are there: a host has the usual time to be heard of, and is not taken for lost at once. */
async function expectHosts({ hosts }: ReindexParts, { jobs }: ArchivedBuild): Promise<void> {
  for (const job of jobs) if (isHeld(job) && job.host !== undefined) await hosts.expect(job.host)
}

/** Far more than a job is ever claimed. */
const claimsApart = 1_000

/** A claim that the archive has not heard of must never fit one of those to come. */
function withNewClaim(job: BuildJob): BuildJob {
  return job.state === 'queued' || job.state === 'blocked' ? { ...job, claim: job.claim + claimsApart } : job
}

/** What a job has beside its record. */
async function holdPlaces({ store, kept }: ReindexParts, jobs: readonly BuildJob[]): Promise<void> {
  for (const job of jobs) {
    const group = groupOf(job)
    if (group !== undefined && job.state !== 'blocked' && !isEnded(job.state))
      await store.groups.take(group, job.id)
    if (job.hold?.state === 'held' || job.hold?.state === 'parked') await kept.add(job.id)
  }
}
