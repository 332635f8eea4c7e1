import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { waitingJobs } from '../../../orchestrator/builds/waiting-jobs.ts'
import { type Repository, repositoryKey } from '../../../orchestrator/model/repository.ts'
import { aRepository } from '../builds/a-repository.ts'
import { until } from '../until.ts'
import { hostWorld } from './host-world.ts'

const limits = { running: 2, queued: 500, matrix: 100 }
const names = Array.from({ length: 9 }, (_, index) => `job${index}`)
const file = `jobs:\n${names.map((name) => `  ${name}:\n    steps: [{ name: work, run: make }]\n`).join('')}`
const slowStep = { steps: { work: { prints: [60] } } }
const endless = { steps: { work: { instead: 'hang' as const } } }
const minute = 60_000

async function limited() {
  const world = await hostWorld({ file, repository: { limits } })
  const claimed = () => world.store.jobs.inState('claimed')
  const idsOf = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id).join()
  // As of one moment: between two reads jobs move on, so only what was claimed before and after counts.
  const held = async (key = repositoryKey(world.repository)) => {
    for (;;) {
      const before = await claimed()
      const running = await world.store.jobs.inState('running')
      if (idsOf(before) !== idsOf(await claimed())) continue
      return [...before, ...running].filter(({ repository }) => repository === key)
    }
  }
  const other = async (change: Partial<Repository> = {}) => {
    const repository = aRepository({ name: 'mayfly/other', ...change })
    await world.store.repositories.put(repository)
    return repository
  }
  return { ...world, held, other }
}

describe('limits.running', () => {
  it(
    'is never gone beyond, however many hosts take at once, and all jobs run in the end',
    async () => {
      const world = await limited()
      for (const name of ['a', 'b', 'c', 'd']) world.startHost(name, { machine: slowStep })
      const { build } = await world.push()
      let most = 0
      await until(
        'all to pass',
        async () => {
          most = Math.max(most, (await world.held()).length)
          return (await world.store.builds.get(build.id))?.state === 'passed'
        },
        minute,
      )
      expect(most).toBe(2)
      expect(await world.queue.waiting(100)).toEqual([])
    },
    2 * minute,
  )

  it('is one step in Redis: of many claims at once only as many get a job', async () => {
    const { push, store } = await limited()
    const { ids } = await push()
    const claims = await Promise.all(
      Object.values(ids).map((id, index) => store.jobs.claim(id, `host-${index}`, 2)),
    )
    expect(claims.filter((job) => job !== undefined)).toHaveLength(2)
    const { ids: more } = await push()
    expect(await store.jobs.claim(more.job0 ?? '', 'host-z', 2)).toBeUndefined()
    expect(await store.jobs.claim(more.job0 ?? '', 'host-z', 3)).toMatchObject({ state: 'claimed' })
  })

  it(
    'lets jobs of other repositories pass by, says so as the reason, and starts the next one when one ends',
    async () => {
      const world = await limited()
      world.startHost('a', { machine: endless })
      world.startHost('b', { machine: endless })
      const { ids } = await world.push()
      const key = repositoryKey(world.repository)
      const reason = `${key} runs 2 jobs, of at most 2 at a time`
      await until('the limit', async () => (await world.held()).length === 2, minute)
      const waits = async (id = '') => (await world.store.jobs.get(id))?.waiting
      await until('the last to be looked at', async () => (await waits(ids.job8)) === reason, minute)
      const first = await world.held()

      const other = await world.other()
      const { build } = await world.push(other)
      await until(
        'the other repository',
        async () => (await world.held(repositoryKey(other))).length === names.length,
        minute,
      )
      expect((await world.held()).map(({ id }) => id).sort()).toEqual(first.map(({ id }) => id).sort())

      // Out of the line, and still shown with the reason, in their order.
      const shown = await waitingJobs(world.parts, 100)
      expect(shown.map(({ name }) => name)).toEqual(names.slice(2))
      expect(new Set(shown.map((job) => job.reason))).toEqual(new Set([reason]))
      expect(await world.builds.cancel({ build: build.id }, 'ann')).toBe(true)

      // Which of the first two was claimed first depends on their hosts.
      await world.builds.cancel({ job: ids.job0 ?? '' }, 'ann')
      const ran = async () => (await world.held()).map(({ name }) => name).sort()
      await until('the next one', async () => (await ran()).join() === 'job1,job2', minute)
      // A waiting one that is cancelled does not stop those behind it.
      await world.builds.cancel({ job: ids.job3 ?? '' }, 'ann')
      await world.builds.cancel({ job: ids.job1 ?? '' }, 'ann')
      await until('the one after it', async () => (await ran()).join() === 'job2,job4', minute)
      await sleep(200)
      expect(await ran()).toEqual(['job2', 'job4'])
    },
    3 * minute,
  )

  it(
    'takes up what waits when it is raised, with the next recovery',
    async () => {
      const world = await limited()
      world.startHost('a', { machine: endless })
      const { ids } = await world.push()
      const waits = async (id = '') => (await world.store.jobs.get(id))?.waiting
      await until('the last to be looked at', async () => (await waits(ids.job8)) !== undefined, minute)
      await world.builds.recover()
      expect(await world.held()).toHaveLength(2)
      await world.store.repositories.put({ ...world.repository, limits: { ...limits, running: 5 } })
      await world.builds.recover()
      await until('five', async () => (await world.held()).length === 5, minute)
      await world.store.repositories.put({ ...world.repository, limits: { ...limits, running: undefined } })
      await world.builds.recover()
      await until('all', async () => (await world.held()).length === names.length, minute)
    },
    2 * minute,
  )
})
