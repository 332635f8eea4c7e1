import type { BuildJob } from '../model/build.ts'
import type { HostCapacity } from './host-capacity.ts'

/** What each host has left beside the jobs that it has; never less than nothing. */
export function freeRoom(
  capacities: readonly HostCapacity[],
  running: readonly Pick<BuildJob, 'host' | 'resources'>[],
): HostCapacity[] {
  return capacities.map(({ id, cpus, memory, labels }) => {
    const taken = running.filter(({ host }) => host === id).map(({ resources }) => resources)
    return {
      id,
      labels,
      cpus: Math.max(0, cpus - sum(taken.map((one) => one.cpus))),
      memory: Math.max(0, memory - sum(taken.map((one) => one.memory))),
    }
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
