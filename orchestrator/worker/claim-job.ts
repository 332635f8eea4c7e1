import { freeRuns, limitInWords } from '../builds/running-limit.ts'
import { type BuildJob, isEnded } from '../model/build.ts'
import type { WorkerParts } from './worker-parts.ts'

type Parts = Pick<WorkerParts, 'store' | 'bus' | 'hostName'>
type Claim = { parts: Parts; id: string }
type Claiming = Claim & {
  /** The claims that this process works on, by `claimName`; the new one is added. */
  claims: Set<string>
}

/**
 * Takes a job for this host. `held` where its repository has as many running as its `limits.running` allows, which no
 * number of hosts that claim at once goes beyond; undefined where it is no longer queued.
 */
export async function claimJob({ parts, id, claims }: Claiming): Promise<BuildJob | 'held' | undefined> {
  const { store, hostName } = parts
  const most = await limitOf(parts, (await store.jobs.get(id))?.repository)
  const claimed = await store.jobs.claim(id, hostName, most)
  if (claimed !== undefined) {
    claims.add(claimName(claimed))
    return claimed
  }
  const left = await store.jobs.get(id)
  // A claim of ours that nobody works on, as its answer was lost with Redis: no other host would ever take it up.
  if (left?.host === hostName && !isEnded(left.state) && !claims.has(claimName(left))) {
    const again = { state: 'queued', host: undefined, started: undefined } as const
    const freed = await store.jobs.change(id, ['claimed', 'running'], again, left.claim)
    if (freed !== undefined) return await claimJob({ parts, id, claims })
  }
  if (left?.state !== 'queued' || most === undefined) return undefined
  await tellHeld(parts, left, most)
  return 'held'
}

/** One claim among all that a process ever makes. */
export function claimName({ id, claim }: Pick<BuildJob, 'id' | 'claim'>): string {
  return `${id} ${claim}`
}

/** Whether its repository's limit keeps a queued job from running now; its record then says so. */
export async function isHeld({ parts, id }: Claim): Promise<boolean> {
  const job = await parts.store.jobs.get(id)
  const most = await limitOf(parts, job?.repository)
  if (job?.state !== 'queued' || most === undefined) return false
  if ((await freeRuns(parts.store, job.repository)) !== 0) return false
  await tellHeld(parts, job, most)
  return true
}

async function limitOf({ store }: Parts, repository: string | undefined): Promise<number | undefined> {
  return repository === undefined ? undefined : (await store.repositories.get(repository))?.limits.running
}

async function tellHeld({ store, bus }: Parts, job: BuildJob, most: number): Promise<void> {
  const waiting = limitInWords({ repository: job.repository, running: most, most })
  if (job.waiting === waiting) return
  const changed = await store.jobs.change(job.id, ['queued'], { waiting })
  if (changed !== undefined) await bus.publish({ type: 'job', id: job.id, build: job.build })
}
