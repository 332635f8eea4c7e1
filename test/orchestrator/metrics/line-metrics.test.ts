import { expect, it } from 'vitest'
import { reportLine } from '../../../orchestrator/metrics/line-metrics.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import type { BuildJob } from '../../../orchestrator/model/build.ts'
import { memoryStore } from '../memory-store.ts'
import { aBuild, aJob } from '../store/records.ts'

/** Lines of a metric that have a value, in order. */
const valuesOf = (scrape: string, name: string) =>
  scrape
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .sort()

function aLine() {
  const store = memoryStore()
  let reads = 0
  const { registry } = createMetrics()
  const inState: typeof store.jobs.inState = async (state) => {
    reads++
    return await store.jobs.inState(state)
  }
  reportLine({ metrics: { registry }, store: { jobs: { ...store.jobs, inState } } })
  const build = aBuild()
  const add = async (...jobs: Partial<BuildJob>[]) => {
    const added = jobs.map((job, index) => aJob(build.id, `job-${index}`, job))
    await store.builds.add({ ...build, jobs: added.map(({ id }) => id) }, added)
    return added.map(({ id }) => id)
  }
  return { store, add, scrape: () => registry.metrics(), reads: () => reads }
}

it('counts the jobs in line by repository and by the labels that they ask for, whatever their order', async () => {
  const { add, scrape } = aLine()
  await add(
    { repository: 'gitea:mayfly/hello' },
    { repository: 'gitea:mayfly/hello', runsOn: ['gpu', 'kvm'] },
    { repository: 'github:octo/other', runsOn: ['kvm', 'gpu', 'kvm'] },
    { repository: 'github:octo/other', runsOn: ['kvm'] },
    { repository: 'github:octo/other', runsOn: ['kvm'], state: 'running' },
    { repository: 'github:octo/other', runsOn: [], state: 'blocked' },
  )
  const told = await scrape()
  expect(valuesOf(told, 'mayfly_jobs_waiting')).toEqual([
    'mayfly_jobs_waiting{repository="gitea:mayfly/hello"} 2',
    'mayfly_jobs_waiting{repository="github:octo/other"} 2',
  ])
  expect(valuesOf(told, 'mayfly_jobs_waiting_by_labels')).toEqual([
    'mayfly_jobs_waiting_by_labels{labels=""} 1',
    'mayfly_jobs_waiting_by_labels{labels="gpu+kvm"} 2',
    'mayfly_jobs_waiting_by_labels{labels="kvm"} 1',
  ])
})

it('forgets labels that nobody waits for any more', async () => {
  const { store, add, scrape } = aLine()
  const [id = ''] = await add({ runsOn: ['gpu'] })
  expect(valuesOf(await scrape(), 'mayfly_jobs_waiting_by_labels')).toHaveLength(1)
  await store.jobs.claim(id, 'host-a')
  expect(valuesOf(await scrape(), 'mayfly_jobs_waiting_by_labels')).toEqual([])
})

it('reads the line once for each scrape', async () => {
  const { add, scrape, reads } = aLine()
  await add({})
  await scrape()
  expect(reads()).toBe(1)
  await scrape()
  expect(reads()).toBe(2)
})
