import type { BuildJob } from '../model/build.ts'
import { hasLabels } from '../model/has-labels.ts'
import { type Repository, repositoryKey } from '../model/repository.ts'
import { freeRoom } from './free-room.ts'
import { couldTake, fits, type HostCapacity } from './host-capacity.ts'
import { inWords } from './refuse-job.ts'
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
  const nobody = whyNobody(look)
  if (nobody !== undefined) return [nobody, ...whoWould(look)].join('; ')
  const capacities = look.capacities.filter(({ labels, away }) => !away && hasLabels(labels, job.runsOn))
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

/** Undefined where somebody who is there could take it. */
function whyNobody({ job, capacities }: WaitingReason): string | undefined {
  const there = capacities.filter(({ away }) => !away)
  if (there.length === 0) return 'no host is there to run it'
  if (there.some((host) => couldTake(host, job))) return undefined
  return there.some(({ labels }) => hasLabels(labels, job.runsOn))
    ? `no host that is there can take ${inWords(job.resources)}`
    : `waits for a host with ${job.runsOn?.join(', ')}`
}

const mostNamed = 5

function whoWould({ job, capacities }: WaitingReason): string[] {
  const able = capacities.filter((host) => host.away && couldTake(host, job))
  const sure = able.filter(({ cpus, memory }) => Number.isFinite(cpus + memory))
  const named = (sure.length > 0 ? sure : able).map(({ id }) => id).slice(0, mostNamed)
  if (named.length === 0) return []
  const are = named.length === 1 ? 'is' : 'are'
  return [
    `${named.join(' and ')}, which ${are} away, ${sure.length > 0 ? 'could' : 'may be able to'} take it`,
  ]
}

function limitReached({ job, running, repository }: WaitingReason): string | undefined {
  const most = repository?.limits.running
  if (repository === undefined || most === undefined) return undefined
  const key = repositoryKey(repository)
  const count = running.filter((other) => other.repository === job.repository).length
  return count < most ? undefined : limitInWords({ repository: key, running: count, most })
}
