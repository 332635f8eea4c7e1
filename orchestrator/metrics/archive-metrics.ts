import { Gauge } from 'prom-client'
import type { Metrics } from './metrics.ts'

type ArchiveMetrics = {
  readonly metrics: Pick<Metrics, 'registry'>
  readonly waiting: () => Promise<number>
}

/** How much the bucket of the archive is behind this host, read from its disk at each scrape. */
export function reportWaiting({ metrics: { registry }, waiting }: ArchiveMetrics): void {
  const gauge: Gauge = new Gauge({
    name: 'mayfly_archive_waiting_objects',
    help: 'Objects that wait on the disk of this host until the bucket of the archive takes them',
    registers: [registry],
    collect: async () => gauge.set(await waiting()),
  })
}
