import type { BuildJob } from '../model/build.ts'
import type { WaitingJob } from '../model/queue-view.ts'
import type { Repository } from '../model/repository.ts'
import type { BuildParts } from './build-parts.ts'
import { estimateStarts } from './estimate-starts.ts'
import { pastDurations } from './past-durations.ts'
import { waitingReason } from './waiting-reason.ts'

type Parts = Pick<BuildParts, 'store' | 'queue' | 'hostCapacity' | 'now'>

/**
 * Jobs that do not run yet: those for which a host waits for room, then those in line, first one first, with an estimate
 * from how long jobs of their name took before; then those that their repository's limit keeps out of it, and those that
 * are blocked.
 */
export async function waitingJobs(parts: Parts, limit: number): Promise<WaitingJob[]> {
  const { store, queue, hostCapacity, now } = parts
  const [inHand, behind, queued, blocked, claimed, running, capacities] = await Promise.all([
    queue.inHand(),
    queue.waiting(limit),
    store.jobs.inState('queued'),
    store.jobs.inState('blocked'),
    store.jobs.inState('claimed'),
    store.jobs.inState('running'),
    hostCapacity(),
  ])
  const busy = [...claimed, ...running]
  // Those that run are no longer queued.
  const ids = [...inHand, ...behind]
  const line = inLine(ids, queued).slice(0, limit)
  const repositories = await repositoriesOf(store, [...queued, ...blocked])
  const inIt = new Set(ids)
  const held = queued.filter(
    ({ id, repository }) => !inIt.has(id) && repositories.get(repository)?.limits.running !== undefined,
  )
  const waiting = [...line, ...held, ...blocked].slice(0, limit)
  const durations = await durationsOf(store, [...line, ...busy])
  const estimates = estimateStarts({
    capacities,
    running: busy.map((job) => ({
      host: job.host,
      resources: job.resources,
      remaining: remaining({ job, duration: durations(job), now: now().getTime() }),
    })),
    line: line.map((job) => ({
      ...{ resources: job.resources, runsOn: job.runsOn, duration: durations(job) },
    })),
  })
  return waiting.map((job, index) => ({
    job: job.id,
    build: job.build,
    name: job.name,
    repository: job.repository,
    ...(job.runsOn === undefined ? {} : { runsOn: job.runsOn }),
    position: index + 1,
    reason: waitingReason({
      job,
      ahead: index,
      running: busy,
      capacities,
      repository: repositories.get(job.repository),
    }),
    estimate: estimates[index],
  }))
}

// What is queued and not in line is on its way into it, or out of it.
function inLine(ids: readonly string[], queued: readonly BuildJob[]): BuildJob[] {
  const byId = new Map(queued.map((job) => [job.id, job]))
  return [...new Set(ids)].flatMap((id) => byId.get(id) ?? [])
}

async function repositoriesOf(
  store: Parts['store'],
  jobs: readonly BuildJob[],
): Promise<ReadonlyMap<string, Repository | undefined>> {
  const keys = [...new Set(jobs.map(({ repository }) => repository))]
  return new Map(
    await Promise.all(keys.map(async (key) => [key, await store.repositories.get(key)] as const)),
  )
}

async function durationsOf(
  store: Parts['store'],
  jobs: readonly BuildJob[],
): Promise<(job: BuildJob) => number | undefined> {
  const keys = [...new Set(jobs.map(({ repository }) => repository))]
  const found = await Promise.all(keys.map(async (key) => [key, await pastDurations(store, key)] as const))
  const byRepository = new Map(found)
  return ({ repository, name }) => byRepository.get(repository)?.get(name)
}

type Remaining = { job: BuildJob; duration: number | undefined; now: number }

function remaining({ job, duration, now }: Remaining): number | undefined {
  if (duration === undefined) return undefined
  return Math.max(0, duration - (job.started === undefined ? 0 : now - Date.parse(job.started)))
}
