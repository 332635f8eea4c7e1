import type { BuildJob } from '../model/build.ts'
import { hasLabels } from '../model/has-labels.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import { freeRoom } from './free-room.ts'
import type { HostCapacity } from './host-capacity.ts'
import { fits, inWords } from './refuse-job.ts'
import { limitInWords } from './running-limit.ts'

type WaitingReason = {
  job: Pick<BuildJob, 'state' | 'waiting' | 'resources' | 'runsOn' | 'repository' | 'attempt'>
  /** Jobs in line before it. */
  ahead: number
  /** Jobs that hosts have now, of all repositories. */
  running: readonly Pick<BuildJob, 'host' | 'resources' | 'repository'>[]
  capacities: readonly HostCapacity[]
  repository: Pick<Repository, 'forge' | 'name' | 'limits'> | undefined
}

/** Why a job does not run yet, in words. What stands in the way for longest is named. */
export function waitingReason(look: WaitingReason): string {
  const { job, ahead, running } = look
  if (job.state === 'blocked') return job.waiting ?? 'about to be put in line'
  const full = limitReached(look)
  if (full !== undefined) return full
  if (look.capacities.length === 0) return 'no host is there to run it'
  const capacities = look.capacities.filter(({ labels }) => hasLabels(labels, job.runsOn))
  if (capacities.length === 0) return `waits for a host with ${job.runsOn?.join(', ')}`
  if (!capacities.some((host) => fits(job.resources, host))) {
    return `no host that is there can take ${inWords(job.resources)}`
  }
  const short = capacities.filter((host) => fits(job.resources, host))
  if (short.every(({ pressure }) => pressure !== undefined))
    return short.map(({ id, pressure }) => `${id} takes no jobs for now: ${pressure}`).join('; ')
  const rooms = freeRoom(capacities, running)
  const isFree = rooms.some((room) => fits(job.resources, room))
  if (ahead > 0) return `${ahead} ${ahead === 1 ? 'job is' : 'jobs are'} before it`
  if (isFree) return job.waiting ?? 'next, about to be taken by a host'
  const most = rooms.toSorted((a, b) => b.memory - a.memory || b.cpus - a.cpus)[0]
  return `next, waits for room: it asks for ${inWords(job.resources)}, free are ${inWords(most ?? { cpus: 0, memory: 0 })}`
}

function limitReached({ job, running, repository }: WaitingReason): string | undefined {
  const most = repository?.limits.running
  if (repository === undefined || most === undefined) return undefined
  const key = repositoryKey(repository)
  const count = running.filter((other) => other.repository === job.repository).length
  return count < most ? undefined : limitInWords({ repository: key, running: count, most })
}
