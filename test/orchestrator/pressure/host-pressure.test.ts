import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, it, onTestFinished } from 'vitest'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import { watchFolderSize } from '../../../orchestrator/pressure/folder-size.ts'
import { watchPressure } from '../../../orchestrator/pressure/host-pressure.ts'
import { NoMemory } from '../../../runner/machine/check-memory.ts'
import { createFakeStart } from '../../fake-start.ts'
import { until } from '../until.ts'
import { hostWorld } from '../worker/host-world.ts'

const file = 'resources: { cpus: 1, memory: 256MiB }\nsteps:\n  - run: make\n'
const log = pino({ level: 'silent' })

async function aPressure() {
  let short: string | undefined
  const pressure = await watchPressure({ looks: [async () => short], log, every: 20 })
  onTestFinished(() => pressure.close())
  const set = async (why: string | undefined) => {
    short = why
    await until('it was looked at', () => pressure.why() === why)
  }
  return { pressure, set }
}

it('a host short of disk or memory takes no job, says why everywhere, and goes on by itself', async () => {
  const world = await hostWorld({ file })
  const { pressure, set } = await aPressure()
  await set('/data has 1 GiB free, of at least 2 GiB')
  const { start } = world.startHost('a', { parts: { pressure } })
  const { ids } = await world.push()
  const id = ids.main ?? ''
  await until('it is heard of', async () => (await world.hosts.list())[0]?.pressure !== undefined)
  expect(await world.hosts.list()).toMatchObject([{ pressure: '/data has 1 GiB free, of at least 2 GiB' }])
  // Longer than a job takes to be taken otherwise.
  await new Promise((resolve) => setTimeout(resolve, 2500))
  expect(await world.store.jobs.get(id)).toMatchObject({ state: 'queued' })
  expect(start.orders).toEqual([])
  await set(undefined)
  await until('it is taken', async () => (await world.store.jobs.get(id))?.state === 'passed', 30_000)
  await until('the host says so', async () => (await world.hosts.list())[0]?.pressure === undefined)
})

it('what runs goes on while its host takes nothing new', async () => {
  const world = await hostWorld({ file })
  const { pressure, set } = await aPressure()
  const { start } = world.startHost('a', {
    machine: { steps: () => ({ prints: ['begun\n', 1500, 'made it\n'] }) },
    parts: { pressure },
  })
  const { ids } = await world.push()
  await until('it runs', () => start.machines[0]?.ran.length === 1)
  await set('no room')
  const job = () => world.store.jobs.get(ids.main ?? '')
  await until('it passed', async () => (await job())?.state === 'passed', 30_000)
  expect(await job()).toMatchObject({ attempt: 1, claim: 1 })
})

it('a machine that there is no memory for has its job wait, and others pass by, until there is', async () => {
  const world = await hostWorld({ file })
  const real = createFakeStart()
  let refusals = 3
  const startMachine: typeof real = Object.assign(async (order: Parameters<typeof real>[0]) => {
    if (order.id.endsWith('main-1') && order.id.startsWith(first) && refusals-- > 0)
      throw new NoMemory('the job asks for 8 GiB of memory, this host has 1 GiB free')
    return await real(order)
  }, real)
  const { ids } = await world.push()
  const first = (ids.main ?? '').slice(0, 26)
  const second = await world.push()
  world.startHost('a', { parts: { startMachine } })
  const job = () => world.store.jobs.get(ids.main ?? '')
  await until('it waits', async () => (await job())?.waiting !== undefined, 30_000)
  expect(await job()).toMatchObject({
    state: 'queued',
    waiting: expect.stringContaining('waits for memory of its host: the job asks for 8 GiB'),
    attempt: 1,
  })
  const other = () => world.store.jobs.get(second.ids.main ?? '')
  await until('another passes by', async () => (await other())?.state === 'passed', 30_000)
  await until('it passed', async () => (await job())?.state === 'passed', 60_000)
  expect(await job()).toMatchObject({ attempt: 1 })
})

it('a folder beyond its limit is a reason, counted once, and none when it has shrunk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-size-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await mkdir(join(folder, 'a-1', 'artifacts'), { recursive: true })
  const big = join(folder, 'a-1', 'artifacts', 'big')
  await writeFile(big, Buffer.alloc(3 * 2 ** 20, 1))
  const metrics = createMetrics()
  const order = { folder, what: 'the archive', limit: 'limits.archive_bytes', metrics, fresh: 0 } as const
  const look = watchFolderSize({ ...order, most: 2 ** 20 })
  expect(await look()).toBe('the archive takes 3 MiB, of at most 1 MiB (limits.archive_bytes)')
  await look()
  const text = await metrics.registry.metrics()
  expect(text).toContain('mayfly_limit_reached_total{limit="limits.archive_bytes"} 1')
  expect(text).toMatch(/mayfly_disk_bytes\{limit="limits.archive_bytes"\} 3\d{6}/)
  await rm(big)
  expect(await look()).toBeUndefined()
  expect(await watchFolderSize({ ...order, most: undefined })()).toBeUndefined()
  expect(await watchFolderSize({ ...order, folder: join(folder, 'no'), most: 1 })()).toBeUndefined()
})

it('a folder beyond its limit of which something can go is no reason, and is counted all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-size-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['a', 'b']) await writeFile(join(folder, name), Buffer.alloc(2 ** 20, 1))
  const metrics = createMetrics()
  const asked: number[] = []
  const order = { folder, what: 'all mirrors', limit: 'limits.mirrors_bytes', metrics, most: 1.5 * 2 ** 20 }
  const makeRoom = async (bytes: number) => {
    asked.push(bytes)
    await rm(join(folder, 'a'))
  }
  expect(await watchFolderSize({ ...order, limit: 'limits.mirrors_bytes', makeRoom })()).toBeUndefined()
  // With a tenth of the limit to spare.
  expect(asked[0]).toBeGreaterThan(0.6 * 2 ** 20)
  const text = await metrics.registry.metrics()
  expect(text).toContain('mayfly_limit_reached_total{limit="limits.mirrors_bytes"} 1')
  expect(text).toMatch(/mayfly_disk_bytes\{limit="limits.mirrors_bytes"\} 10\d{5}/)
  const none = { ...order, limit: 'limits.mirrors_bytes', most: 2 ** 19, makeRoom: async () => 0 } as const
  expect(await watchFolderSize(none)()).toContain('of at most 512 KiB (limits.mirrors_bytes)')
})
