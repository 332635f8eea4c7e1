import { Gauge } from 'prom-client'
import type { HostStatus } from '../model/queue-view.ts'
import type { Metrics } from './metrics.ts'

type HostMetrics = { metrics: Pick<Metrics, 'registry'>; hosts: { list(): Promise<readonly HostStatus[]> } }

const resources = [
  ['cpus', 'mayfly_host_cpus', 'Cpus of a host: in all, and given to machines that run'],
  ['memory', 'mayfly_host_memory_bytes', 'Memory of a host: in all, and given to machines that run'],
] as const

/** What each host that is alive has and what of it is allocated, read from the hosts' own word at each scrape. */
export function reportHosts({ metrics, hosts }: HostMetrics): void {
  for (const [resource, name, help] of resources) {
    const gauge: Gauge<'host' | 'kind'> = new Gauge({
      name,
      help,
      labelNames: ['host', 'kind'],
      registers: [metrics.registry],
      collect: async () => {
        gauge.reset()
        for (const host of await hosts.list()) {
          if (host.stale) continue
          gauge.set({ host: host.name, kind: 'total' }, host[resource].total)
          gauge.set({ host: host.name, kind: 'allocated' }, host[resource].taken)
        }
      },
    })
  }
}
