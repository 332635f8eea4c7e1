import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { deliverResults } from '../../../orchestrator/worker/deliver-results.ts'
import { createKeptResults, type KeptResult } from '../../../orchestrator/worker/kept-results.ts'
import type { FakeStartOptions } from '../../fake-start.ts'
import { aTrigger, buildWorld } from '../builds/build-world.ts'
import { until } from '../until.ts'
import { hostWorld } from './host-world.ts'

const file = 'resources: { cpus: 1, memory: 256MiB }\nsteps:\n  - run: make\n'
const log = pino({ level: 'silent' })

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-results-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'results')
}

const lasting = (ms: number): FakeStartOptions => ({
  steps: () => ({ prints: ['begun\n', ms, 'made it\n'] }),
})

it('a verdict that Redis was away for longer than we wait is kept on the host, and told when it is back', async () => {
  const world = await hostWorld({ file })
  const folder = await aFolder()
  const results = createKeptResults(folder)
  const { start } = world.startHost('a', { machine: lasting(500), parts: { results, patience: 300 } })
  const { ids } = await world.push()
  await until('the step runs', () => start.machines[0]?.ran.length === 1)
  await world.redis.kill()
  await until('the verdict is kept', async () => (await readdir(folder).catch(() => [])).length === 1, 60_000)
  // Far longer than anybody tries in one go.
  await sleep(2000)
  await world.redis.restart()
  const job = () => world.store.jobs.get(ids.main ?? '')
  await until('it is told', async () => (await job())?.state === 'passed', 60_000)
  expect(await job()).toMatchObject({ state: 'passed', attempt: 1, claim: 1 })
  expect(start.orders).toHaveLength(1)
  await until('it is no longer kept', async () => (await readdir(folder)).length === 0)
  const build = async () => (await world.store.builds.list({}, { limit: 1, cursor: undefined })).items[0]
  await until('its build follows', async () => (await build())?.state === 'passed', 60_000)
})

it('a verdict that a process kept is told by the next one on its host', async () => {
  const world = await hostWorld({ file })
  const results = createKeptResults(await aFolder())
  const { ids } = await world.push()
  const id = ids.main ?? ''
  // As a process leaves it that was killed between its verdict and Redis' return.
  await world.store.jobs.claim(id, 'before')
  await world.hosts.announce({ ...{ name: 'before', running: [id] }, ...empty })
  const ending = { state: 'failed', failure: undefined, reason: 'step 1 failed', hint: undefined } as const
  await results.keep({
    job: id,
    attempt: 1,
    claim: 1,
    ending: { ...ending, ended: '2026-01-02T04:00:00.000Z' },
  })
  const { start } = world.startHost('after', { parts: { results } })
  await until('it is told', async () => (await world.store.jobs.get(id))?.state === 'failed', 30_000)
  expect(await world.store.jobs.get(id)).toMatchObject({ reason: 'step 1 failed', attempt: 1, claim: 1 })
  expect(start.orders).toEqual([])
})

const empty = { cpus: { total: 1, taken: 1 }, memory: { total: 1, taken: 1 } }

it('a verdict is told for its own claim only, once, and never over another', async () => {
  const { store, builds, repository } = await buildWorld({ file })
  const results = createKeptResults(await aFolder())
  const { build } = await builds.create({ repository, trigger: aTrigger() })
  const id = build?.jobs[0] ?? ''
  const deliver = (claims: string[] = []) =>
    deliverResults({ results, store, builds, claims: new Set(claims), log })
  const ending = { state: 'passed', ended: '2026-01-02T04:00:00.000Z' } as KeptResult['ending']
  await store.jobs.claim(id, 'host')

  await results.keep({ job: id, attempt: 1, claim: 1, ending })
  await deliver([`${id} 1`])
  // Somebody here is about to tell it himself.
  expect(await store.jobs.get(id)).toMatchObject({ state: 'claimed' })
  expect(await results.list()).toHaveLength(1)

  await results.keep({ job: id, attempt: 1, claim: 7, ending: { ...ending, state: 'failed' } })
  await deliver()
  expect(await store.jobs.get(id)).toMatchObject({ state: 'passed', claim: 1 })
  expect(await results.list()).toEqual([])
  expect((await store.builds.get(build?.id ?? ''))?.state).toBe('passed')

  await results.keep({ job: id, attempt: 1, claim: 1, ending: { ...ending, state: 'failed' } })
  await deliver()
  expect(await store.jobs.get(id)).toMatchObject({ state: 'passed' })
  expect(await results.list()).toEqual([])
})

it('a Redis that stands still for longer than a lock lasts ends no job and runs none twice', async () => {
  const world = await hostWorld({ file })
  const hosts = ['a', 'b'].map((name) => world.startHost(name, { machine: lasting(12_000) }))
  const pushed = await Promise.all([world.push(), world.push(), world.push()])
  const orders = () => hosts.flatMap(({ start }) => start.orders)
  await until('all run', () => hosts.flatMap(({ start }) => start.machines).length === 3)
  // Just after somebody looked for lost hosts, so that the next look finds those that look lost.
  await sleep(600)
  await world.redis.freeze(7000)
  for (const { ids } of pushed) {
    const job = () => world.store.jobs.get(ids.main ?? '')
    await until('it has its verdict', async () => (await job())?.ended !== undefined, 60_000)
    expect(await job()).toMatchObject({ state: 'passed', attempt: 1, claim: 1 })
  }
  expect(orders()).toHaveLength(3)
})

it('a job that the queue gave away although its host lives is left to that host', async () => {
  const world = await hostWorld({ file })
  const { start } = world.startHost('a', { machine: lasting(4000) })
  const other = world.startHost('b', { machine: lasting(10) })
  const { ids } = await world.push()
  const id = ids.main ?? ''
  await until('it runs', () => [start, other.start].flatMap(({ machines }) => machines).length === 1)
  // As the look for stalled jobs does after its lock ran out.
  const redis = world.redis.connect()
  const [name = ''] = await redis.lrange('test:jobs:active', 0, -1)
  await redis
    .multi()
    .del(`test:jobs:${name}:lock`)
    .lrem('test:jobs:active', 1, name)
    .hincrby(`test:jobs:${name}`, 'stc', 1)
    .rpush('test:jobs:wait', name)
    .zadd('test:jobs:marker', 0, '0')
    .exec()
  const job = () => world.store.jobs.get(id)
  await until('it has its verdict', async () => (await job())?.ended !== undefined, 60_000)
  expect(await job()).toMatchObject({ state: 'passed', attempt: 1, claim: 1 })
  expect([...start.orders, ...other.start.orders]).toHaveLength(1)
})
