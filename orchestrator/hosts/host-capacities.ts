import type { HostCapacity } from '../builds/host-capacity.ts'
import { cordonInWords } from './cordon-in-words.ts'
import type { Hosts } from './hosts.ts'

/**
 * What the hosts that are alive have. None as long as one is expected that has not said yet what it has: nothing is to be
 * refused for its size then.
 */
export async function hostCapacities(hosts: Pick<Hosts, 'list'>): Promise<HostCapacity[]> {
  const alive = (await hosts.list()).filter(({ stale }) => !stale)
  if (alive.some(({ cpus }) => cpus.total === 0)) return []
  return alive.map(({ name, cpus, memory, pressure, labels, cordon }) => ({
    ...{ id: name, cpus: cpus.total, memory: memory.total, labels },
    ...(cordon === undefined ? { pressure } : { pressure: cordonInWords(cordon), cordoned: true }),
  }))
}
