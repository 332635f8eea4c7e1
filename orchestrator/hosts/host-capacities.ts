import type { HostCapacity } from '../builds/host-capacity.ts'
import { computerOf } from './computer-of.ts'
import { cordonInWords } from './cordon-in-words.ts'
import type { Hosts } from './hosts.ts'
import type { KnownHost } from './known-hosts.ts'

/**
 * What the hosts have that are alive, then those that are away and were heard of in the last 30 days. None as long as one
 * is expected that has not said yet what it has: nothing is to be refused for its size then.
 */
export async function hostCapacities(hosts: Pick<Hosts, 'list' | 'known'>): Promise<HostCapacity[]> {
  const [listed, known] = await Promise.all([hosts.list(), hosts.known()])
  const alive = listed.filter(({ stale }) => !stale)
  if (alive.some(({ cpus }) => cpus.total === 0)) return []
  const computers = new Set(alive.map(computerOf))
  return [
    ...alive.map(({ name, cpus, memory, pressure, labels, cordon }) => ({
      ...{ id: name, cpus: cpus.total, memory: memory.total, labels },
      ...(cordon === undefined ? { pressure } : { pressure: cordonInWords(cordon), cordoned: true }),
    })),
    ...known.filter(({ computer }) => !computers.has(computer)).map(asAway),
  ]
}

// An earlier version remembered no sizes: such a host may be able to take anything.
function asAway({ computer, labels, cpus, memory }: KnownHost): HostCapacity {
  const any = Number.POSITIVE_INFINITY
  return { id: computer, cpus: cpus ?? any, memory: memory ?? any, labels, away: true }
}
