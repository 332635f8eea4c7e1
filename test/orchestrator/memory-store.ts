import type { Build, BuildJob } from '../../orchestrator/model/build.ts'
import type { Delivery } from '../../orchestrator/model/delivery.ts'
import { type Repository, repositoryKey } from '../../orchestrator/model/repository.ts'
import type { Page, Paged, Store } from '../../orchestrator/model/store.ts'

/**
 * A Store in memory, with each of its steps as atomic as in Redis and none of them in the same tick as its call, so
 * that what races there races here. Values are copied on their way in and out.
 */
export function memoryStore(): Store {
  const builds = new Map<string, Build>()
  const jobs = new Map<string, BuildJob>()
  /** Grows with each change of state; says who has been in its state for longest. */
  const since = new Map<string, number>()
  const holders = new Map<string, string>()
  const deliveries = new Map<string, Delivery>()
  const bodies = new Map<string, Buffer>()
  const repositories = new Map<string, Repository>()
  let clock = 0
  const putJob = (job: BuildJob): BuildJob => {
    if (jobs.get(job.id)?.state !== job.state) since.set(job.id, clock++)
    jobs.set(job.id, structuredClone(job))
    return structuredClone(job)
  }
  return {
    builds: {
      add: step((build, added) => {
        if (builds.has(build.id)) return false
        builds.set(build.id, structuredClone(build))
        for (const job of added) putJob(job)
        return true
      }),
      get: step((id) => structuredClone(builds.get(id))),
      update: step((id, change) => {
        const build = builds.get(id)
        if (build === undefined) return undefined
        builds.set(id, structuredClone({ ...build, ...change }))
        return structuredClone(builds.get(id))
      }),
      isPruned: step(() => false),
      remove: step(({ id, ended }) => {
        const build = builds.get(id)
        if (build === undefined || build.ended !== ended || ended === undefined) return false
        for (const job of build.jobs) jobs.delete(job)
        return builds.delete(id)
      }),
      removeJob: step(({ id, ended }, job) => {
        const build = builds.get(id)
        if (build === undefined || build.ended !== ended || ended === undefined) return false
        builds.set(id, { ...build, jobs: build.jobs.filter((other) => other !== job.id) })
        return jobs.delete(job.id)
      }),
      removed: step(() => undefined),
      list: step(({ repository, branch, state }, page) =>
        paged(
          [...builds.values()].filter(
            (build) =>
              (repository === undefined || build.repository === repository) &&
              (branch === undefined || build.trigger.branch === branch) &&
              (state === undefined || build.state === state),
          ),
          page,
        ),
      ),
    },
    jobs: {
      get: step((id) => structuredClone(jobs.get(id))),
      ofBuild: step((id) =>
        structuredClone((builds.get(id)?.jobs ?? []).flatMap((job) => jobs.get(job) ?? [])),
      ),
      change: step((id, from, change, claim) => {
        const job = jobs.get(id)
        if (job === undefined || !from.includes(job.state)) return undefined
        if (claim !== undefined && claim !== job.claim) return undefined
        return putJob({ ...job, ...change })
      }),
      claim: step((id, host, most = Number.POSITIVE_INFINITY) => {
        const job = jobs.get(id)
        if (job?.state !== 'queued') return undefined
        const held = [...jobs.values()].filter(
          ({ state, repository }) =>
            (state === 'claimed' || state === 'running') && repository === job.repository,
        )
        if (held.length >= most) return undefined
        return putJob({ ...job, state: 'claimed', host, claim: job.claim + 1 })
      }),
      takeOver: step((id, host, claim) => {
        const job = jobs.get(id)
        if (job?.claim !== claim || (job.state !== 'claimed' && job.state !== 'running')) return undefined
        return putJob({ ...job, host, claim: claim + 1 })
      }),
      inState: step((state) =>
        structuredClone(
          [...jobs.values()]
            .filter((job) => job.state === state)
            .sort((a, b) => (since.get(a.id) ?? 0) - (since.get(b.id) ?? 0)),
        ),
      ),
      count: step(
        (state, repository) =>
          [...jobs.values()].filter((job) => job.state === state && job.repository === repository).length,
      ),
    },
    groups: {
      take: step((group, job, instead) => {
        const holder = holders.get(group)
        if (holder !== undefined && holder !== instead) return holder
        holders.set(group, job)
        return job
      }),
      release: step((group, job) => {
        if (holders.get(group) === job) holders.delete(group)
      }),
    },
    deliveries: {
      record: step((delivery, body) => {
        const isKnown =
          delivery.replayOf === undefined &&
          [...deliveries.values()].some(
            ({ forge, forgeId }) => forge === delivery.forge && forgeId === delivery.forgeId,
          )
        deliveries.set(
          delivery.id,
          structuredClone(isKnown ? { ...delivery, verdict: 'duplicate' } : delivery),
        )
        bodies.set(delivery.id, Buffer.from(body))
        return !isKnown
      }),
      get: step((id) => structuredClone(deliveries.get(id))),
      body: step((id) => bodies.get(id)),
      update: step((id, change) => {
        const delivery = deliveries.get(id)
        if (delivery !== undefined) deliveries.set(id, structuredClone({ ...delivery, ...change }))
      }),
      list: step(({ repository, verdict }, page) =>
        paged(
          [...deliveries.values()].filter(
            (delivery) =>
              (repository === undefined || delivery.repository === repository) &&
              (verdict === undefined || delivery.verdict === verdict),
          ),
          page,
        ),
      ),
    },
    repositories: {
      put: step((repository) => {
        repositories.set(repositoryKey(repository), structuredClone(repository))
      }),
      get: step((key) => structuredClone(repositories.get(key))),
      list: step(() => structuredClone([...repositories.values()])),
      remove: step((key) => repositories.delete(key)),
    },
  }
}

/** Does its work at once some ticks after the call, and never in the middle of another's. */
function step<Args extends readonly unknown[], Result>(
  work: (...args: Args) => Result,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    await Promise.resolve()
    return work(...args)
  }
}

/** Newest first, which for ULIDs is the order of letters turned round; the cursor is the last id given. */
function paged<T extends { id: string }>(items: readonly T[], { limit, cursor }: Page): Paged<T> {
  const sorted = items
    .filter(({ id }) => cursor === undefined || id < cursor)
    .sort((a, b) => (a.id < b.id ? 1 : -1))
  const page = sorted.slice(0, limit)
  return {
    items: structuredClone(page),
    next: sorted.length > limit ? page.at(-1)?.id : undefined,
  }
}
