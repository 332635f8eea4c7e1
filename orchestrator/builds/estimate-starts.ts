import type { Resources } from '../../images/image.ts'
import { hasLabels } from '../model/has-labels.ts'
import { freeRoom } from './free-room.ts'
import { couldTake, fits, type HostCapacity } from './host-capacity.ts'

type Size = Pick<Resources, 'cpus' | 'memory'>

type EstimateStarts = {
  capacities: readonly HostCapacity[]
  /** Jobs that hosts have; milliseconds that each is likely to go on, undefined where nothing is known. */
  running: readonly { host: string | undefined; resources: Resources; remaining: number | undefined }[]
  /** Jobs in line, first one first, and milliseconds that each is likely to take. */
  line: readonly { resources: Size; duration: number | undefined; runsOn?: readonly string[] | undefined }[]
}

type Host = { cpus: number; memory: number; labels?: readonly string[] | undefined }
type End = { at: number; host: Host; resources: Size }

/**
 * Milliseconds until each job in line is likely to begin, as if jobs began strictly in their order; undefined from the
 * first one on that waits for something of which no past run tells how long it takes.
 */
export function estimateStarts({ running, line, ...all }: EstimateStarts): (number | undefined)[] {
  const capacities = all.capacities.filter(({ cordoned, away }) => !cordoned && !away)
  const hosts = new Map<string, Host>(freeRoom(capacities, running).map((room) => [room.id, { ...room }]))
  const ends = running.flatMap(({ host, resources, remaining }): End[] => {
    const on = host === undefined ? undefined : hosts.get(host)
    return on === undefined ? [] : [{ at: remaining ?? Number.POSITIVE_INFINITY, host: on, resources }]
  })
  let now = 0
  return line.map(({ resources, duration, runsOn }) => {
    if (!capacities.some((capacity) => couldTake(capacity, { resources, runsOn }))) return undefined
    const rooms = [...hosts.values()].filter(({ labels }) => hasLabels(labels, runsOn))
    let host = roomFor(resources, rooms)
    while (host === undefined && Number.isFinite(now)) {
      now = Math.max(now, freeNext(ends))
      host = roomFor(resources, rooms)
    }
    if (host === undefined || !Number.isFinite(now)) return undefined
    host.cpus -= resources.cpus
    host.memory -= resources.memory
    ends.push({ at: now + (duration ?? Number.POSITIVE_INFINITY), host, resources })
    return now
  })
}

function roomFor(resources: Size, rooms: readonly Host[]): Host | undefined {
  return rooms.find((host) => fits(resources, host))
}

/** Gives back what the job that ends first has, and says when that is. */
function freeNext(ends: End[]): number {
  const first = ends.reduce<End | undefined>(
    (best, end) => (best === undefined || end.at < best.at ? end : best),
    undefined,
  )
  if (first === undefined) return Number.POSITIVE_INFINITY
  ends.splice(ends.indexOf(first), 1)
  first.host.cpus += first.resources.cpus
  first.host.memory += first.resources.memory
  return first.at
}
