import type { Logger } from 'pino'
import type { Retention } from '../../config/host/host-config.ts'
import { groupOf } from '../builds/concurrency.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type Build, type BuildJob, isEnded } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { keepBodyMs } from '../store/delivery-records.ts'
import type { RetentionRecords, RetentionStage } from '../store/retention-records.ts'
import { attemptIds } from '../worker/attempt-id.ts'
import type { Archive } from './archive.ts'

export type SweepParts = {
  readonly store: Pick<Store, 'builds' | 'jobs'>
  readonly records: RetentionRecords
  readonly archive: Archive
  readonly retention: Retention
  readonly metrics: Pick<Metrics, 'retention' | 'retentionFailures' | 'retentionSwept'>
  readonly now: () => Date
  readonly log: Logger
  /** Asked before each build: false where another process sweeps now, or this one is to end. */
  readonly goOn: () => Promise<boolean>
  /** Builds that a sweep looks at in each of its stages. @defaultValue 200 */
  readonly most?: number
}

/** Ends are put into Redis in about the order of their times; after so many ms none comes before another any more. */
const settledMs = 60_000

/**
 * One bounded sweep: keeps the records of what has ended, removes artifacts and logs that are past their time, prunes
 * builds, and removes the folders of those pruned. Each step may be cut off anywhere and is done again by the next
 * sweep. Nothing of a build that runs is touched. Gives whether there is more to do at once.
 */
export async function sweepRetention(parts: SweepParts): Promise<boolean> {
  const { archive, retention } = parts
  await removePruned(parts)
  const full = [
    await goThrough(parts, 'records', settledMs, async (build, jobs) => {
      const kept = await archive.read(build.id)
      if (kept?.build.ended !== build.ended) await archive.keep(build, jobs)
    }),
    await goThrough(parts, 'artifacts', retention.artifacts, (_build, jobs) =>
      archive.removeArtifacts(jobs.flatMap(attemptIds)),
    ),
    await goThrough(parts, 'logs', retention.logs, (_build, jobs) =>
      archive.removeLogs(jobs.flatMap(attemptIds)),
    ),
    await pruneBuilds(parts),
  ]
  await removePruned(parts)
  if (await parts.goOn()) count(parts, 'deliveries', await parts.records.trimDeliveries(parts.now()))
  await archive.trimDeliveries(new Date(parts.now().getTime() - keepBodyMs))
  return full.includes(true)
}

type Work = (build: Build, jobs: readonly BuildJob[]) => Promise<void>

/** Does a stage's work once for each build that ended more than `age` ms ago; true where there may be more of them. */
async function goThrough(
  parts: SweepParts,
  stage: RetentionStage,
  age: number,
  work: Work,
): Promise<boolean> {
  const { store, records, now, most = 200 } = parts
  const before = new Date(now().getTime() - age)
  const found = await records.endedBefore({ before, after: await records.progress(stage), limit: most })
  for (const { id, place } of found) {
    if (!(await parts.goOn())) return false
    const build = await store.builds.get(id)
    // One that runs again comes here anew when it has ended.
    if (build !== undefined && isEnded(build.state)) {
      const jobs = await store.jobs.ofBuild(id)
      await attempt(parts, { what: stage, build: id }, () => work(build, jobs))
    }
    await records.setProgress(stage, place)
  }
  return found.length === most
}

async function pruneBuilds(parts: SweepParts): Promise<boolean> {
  const { most = 200, goOn } = parts
  let pruned = 0
  for await (const id of overdueBuilds(parts)) {
    if (!(await goOn())) return false
    if (await pruneBuild(parts, id)) pruned += 1
    if (pruned === most) return true
  }
  return false
}

async function* overdueBuilds({ records, retention, now, most = 200 }: SweepParts): AsyncGenerator<string> {
  const { builds } = retention
  if ('newest' in builds) return yield* records.allBut(builds.newest)
  const before = new Date(now().getTime() - builds.age)
  for (const { id } of await records.endedBefore({ before, limit: most })) yield id
}

async function pruneBuild({ store, records }: SweepParts, id: string): Promise<boolean> {
  const build = await store.builds.get(id)
  if (build === undefined || !isEnded(build.state)) return false
  const jobs = await store.jobs.ofBuild(id)
  const groups = jobs.flatMap((job) => {
    const group = groupOf(job)
    return group === undefined ? [] : [{ group, job: job.id }]
  })
  return await records.prune({ build, groups, attempts: jobs.flatMap(attemptIds) })
}

async function removePruned(parts: SweepParts): Promise<void> {
  const { archive, records, goOn } = parts
  for (const { build, attempts } of await records.toRemove()) {
    if (!(await goOn())) return
    await attempt(parts, { what: 'builds', build }, async () => {
      await archive.remove(build, attempts)
      await records.removed(build)
    })
  }
}

/** A folder that cannot be removed is no reason to leave the others. */
async function attempt(
  parts: SweepParts,
  { what, build }: { what: RetentionStage | 'builds'; build: string },
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work()
    count(parts, what, 1)
  } catch (error) {
    parts.metrics.retentionFailures.inc({ what })
    parts.log.warn({ build, what, err: error }, 'retention could not do its work on a build')
  }
}

function count({ metrics }: SweepParts, what: string, more: number): void {
  metrics.retention.inc({ what }, more)
}
