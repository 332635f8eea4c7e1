import type { Hosts } from './hosts.ts'

/**
 * The labels of each host that was heard of in the last 30 days. None as long as one is expected that has not said yet
 * what it has: nothing is to be refused for its labels then.
 */
export async function knownLabels(hosts: Pick<Hosts, 'list' | 'known'>): Promise<(readonly string[])[]> {
  const [listed, known] = await Promise.all([hosts.list(), hosts.known()])
  if (listed.some(({ cpus, stale }) => !stale && cpus.total === 0)) return []
  return known.map(({ labels }) => labels)
}
