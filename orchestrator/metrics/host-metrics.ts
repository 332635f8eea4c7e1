import { Gauge } from 'prom-client'
import type { HostStatus } from '../model/queue-view.ts'
import type { Metrics } from './metrics.ts'

type HostMetrics = { metrics: Pick<Metrics, 'registry'>; hosts: { list(): Promise<readonly HostStatus[]> } }

const resources = [
  ['cpus', 'mayfly_host_cpus', 'Cpus of a host: in all, and given to machines that run'],
  ['memory', 'mayfly_host_memory_bytes', 'Memory of a host: in all, and given to machines that run'],
] as const

const infoLabels = ['host', 'architecture', 'accel', 'qemu', 'version'] as const

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
  const disk: Gauge<'host' | 'kind'> = new Gauge({
    name: 'mayfly_host_disk_bytes',
    help: 'Disk with the data folder of a host: in all, and free',
    labelNames: ['host', 'kind'],
    registers: [metrics.registry],
    collect: async () => {
      disk.reset()
      for (const host of await hosts.list()) {
        if (host.stale || host.disk === undefined) continue
        disk.set({ host: host.name, kind: 'total' }, host.disk.total)
        disk.set({ host: host.name, kind: 'free' }, host.disk.free)
      }
    },
  })
  const cordoned: Gauge<'host'> = new Gauge({
    name: 'mayfly_host_cordoned',
    help: 'Whether a host that is alive is to take nothing new by the word of somebody: 1 or 0',
    labelNames: ['host'],
    registers: [metrics.registry],
    collect: async () => {
      cordoned.reset()
      for (const { stale, name, cordon } of await hosts.list())
        if (!stale) cordoned.set({ host: name }, cordon === undefined ? 0 : 1)
    },
  })
  // No labels of hosts: people make them up, and each is a series for ever.
  const info: Gauge<(typeof infoLabels)[number]> = new Gauge({
    name: 'mayfly_host_info',
    help: 'Always 1: what a host that is alive runs on',
    labelNames: infoLabels,
    registers: [metrics.registry],
    collect: async () => {
      info.reset()
      for (const { stale, name, architecture = '', accel, qemu = '', version = '' } of await hosts.list()) {
        if (!stale) info.set({ host: name, architecture, accel: accel?.kind ?? '', qemu, version }, 1)
      }
    },
  })
}
