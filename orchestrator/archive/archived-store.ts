import type { Logger } from 'pino'
import type { Build, BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import type { Archive } from './archive.ts'
import { createDeliveryJournal } from './delivery-journal.ts'

type Parts = {
  readonly store: Store
  readonly archive: Pick<Archive, 'keep' | 'keepChange' | 'keepDeliveries'>
  readonly now: () => Date
  readonly log: Pick<Logger, 'warn'>
}

/** What waits on a page only, and is found out anew. */
const passing: ReadonlySet<string> = new Set(['waiting', 'visit'])

/**
 * A store that has everything it accepts in the archive, too, before whoever writes goes on: a delivery, a build when
 * it is made, and each change of it or of its jobs. A change that the archive cannot take is logged and stands.
 */
export function archivedStore({ store, archive, now, log }: Parts): Store {
  const journal = createDeliveryJournal({ archive, now })
  const keepWhole = async (id: string) => {
    const build = await store.builds.get(id)
    if (build !== undefined) await archive.keep(build, await store.jobs.ofBuild(id))
  }
  const keep = async (changed: { build: Build } | { job: BuildJob }) => {
    const build = 'job' in changed ? changed.job.build : changed.build.id
    try {
      // One that was made before builds were kept from their acceptance on.
      if (!(await archive.keepChange(changed))) await keepWhole(build)
    } catch (error) {
      log.warn({ build, err: error }, 'a change of a build could not be kept in the archive')
    }
  }
  const keepJob = async (job: BuildJob | undefined) => {
    if (job !== undefined) await keep({ job })
    return job
  }
  return {
    ...store,
    builds: {
      ...store.builds,
      add: async (build, jobs) => {
        const isAdded = await store.builds.add(build, jobs)
        if (isAdded) await archive.keep(build, jobs)
        return isAdded
      },
      update: async (id, change) => {
        const build = await store.builds.update(id, change)
        if (build !== undefined) await keep({ build })
        return build
      },
      removeJob: async (build, job, attempts) => {
        const isRemoved = await store.builds.removeJob(build, job, attempts)
        if (isRemoved) await keepWhole(build.id)
        return isRemoved
      },
    },
    jobs: {
      ...store.jobs,
      change: async (id, from, change, claim) => {
        const job = await store.jobs.change(id, from, change, claim)
        return Object.keys(change).every((field) => passing.has(field)) ? job : await keepJob(job)
      },
      claim: async (id, host, most) => await keepJob(await store.jobs.claim(id, host, most)),
      takeOver: async (id, host, claim) => await keepJob(await store.jobs.takeOver(id, host, claim)),
    },
    deliveries: {
      ...store.deliveries,
      record: async (delivery, body) => {
        const recording = store.deliveries.record(delivery, body)
        if (delivery.verdict !== 'accepted') return await recording
        // Both at once, each of which waits for a disk.
        const [isNew] = await Promise.all([recording, journal.record(delivery, body)])
        if (!isNew) await journal.change(delivery.id, { verdict: 'duplicate' })
        return isNew
      },
      update: async (id, change) => {
        await store.deliveries.update(id, change)
        await journal.change(id, change).catch((error: unknown) => {
          log.warn({ delivery: id, err: error }, 'a change of a delivery could not be kept in the archive')
        })
      },
    },
  }
}
