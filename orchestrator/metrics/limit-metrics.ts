import { Gauge } from 'prom-client'
import type { Limits } from '../../config/host/host-config.ts'
import type { Store } from '../model/store.ts'
import type { Metrics } from './metrics.ts'

type LimitMetrics = {
  readonly metrics: Pick<Metrics, 'registry'>
  readonly limits: Limits
  readonly store: Pick<Store, 'jobs'>
}

/** What the limits of the host file are set to, and how close the lines of repositories are, read at each scrape. */
export function reportLimits({ metrics: { registry }, limits, store }: LimitMetrics): void {
  const registers = [registry]
  const set = new Gauge({
    name: 'mayfly_limit',
    help: 'What a limit of the host file is set to: bytes, seconds or a number',
    labelNames: ['limit'],
    registers,
  })
  for (const [name, value] of Object.entries(limits)) {
    const key = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    if (value !== undefined) set.set({ limit: `limits.${key}` }, key === 'build_age' ? value / 1000 : value)
  }
  const waiting: Gauge<'repository'> = new Gauge({
    name: 'mayfly_jobs_waiting',
    help: 'Jobs of a repository that wait in line',
    labelNames: ['repository'],
    registers,
    collect: async () => {
      const queued = await store.jobs.inState('queued')
      waiting.reset()
      for (const { repository } of queued) waiting.inc({ repository })
    },
  })
}
