import { Gauge } from 'prom-client'
import type { Pool } from '../../runner/pool/create-pool.ts'
import type { Metrics } from './metrics.ts'

type PoolMetrics = { metrics: Pick<Metrics, 'registry'>; pool: Pick<Pool, 'counts'> }

const name = 'mayfly_pool_machines'

/** How many machines wait for a job, read from the pool at each scrape. */
export function reportPool({ metrics: { registry }, pool }: PoolMetrics): void {
  registry.removeSingleMetric(name)
  const gauge: Gauge<'image' | 'state'> = new Gauge({
    name,
    help: 'Machines of this process that no job has yet',
    labelNames: ['image', 'state'],
    registers: [registry],
    collect: () => {
      gauge.reset()
      for (const { image, ready, starting } of pool.counts()) {
        gauge.inc({ image, state: 'ready' }, ready)
        gauge.inc({ image, state: 'starting' }, starting)
      }
    },
  })
}
