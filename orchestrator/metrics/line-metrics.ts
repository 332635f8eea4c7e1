import { Gauge } from 'prom-client'
import type { BuildJob } from '../model/build.ts'
import type { Store } from '../model/store.ts'
import { nameOfLabels } from '../queue/queue-names.ts'
import type { Metrics } from './metrics.ts'

type LineMetrics = {
  readonly metrics: Pick<Metrics, 'registry'>
  readonly store: { readonly jobs: Pick<Store['jobs'], 'inState'> }
}

/** Whose jobs wait, and for which hosts, read from the store once at each scrape. */
export function reportLine({ metrics: { registry }, store }: LineMetrics): void {
  const registers = [registry]
  let reading: Promise<readonly BuildJob[]> | undefined
  // Both gauges of a scrape are asked before the first has its answer.
  const queued = () => {
    reading ??= store.jobs.inState('queued').finally(() => {
      reading = undefined
    })
    return reading
  }
  const ofRepositories: Gauge<'repository'> = new Gauge({
    name: 'mayfly_jobs_waiting',
    help: 'Jobs of a repository that wait in line',
    labelNames: ['repository'],
    registers,
    collect: async () => {
      const jobs = await queued()
      ofRepositories.reset()
      for (const { repository } of jobs) ofRepositories.inc({ repository })
    },
  })
  const ofLabels: Gauge<'labels'> = new Gauge({
    name: 'mayfly_jobs_waiting_by_labels',
    help: 'Jobs that wait in line for a host with these labels, gpu+kvm; none where any host will do',
    labelNames: ['labels'],
    registers,
    collect: async () => {
      const jobs = await queued()
      ofLabels.reset()
      for (const { runsOn } of jobs) ofLabels.inc({ labels: nameOfLabels(runsOn) })
    },
  })
}
