import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { encodeTime } from 'ulid'
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest'
import { type Archive, createArchive } from '../../../orchestrator/archive/archive.ts'
import { startRetention } from '../../../orchestrator/archive/start-retention.ts'
import { createMetrics } from '../../../orchestrator/metrics/metrics.ts'
import type { Store } from '../../../orchestrator/model/store.ts'
import { createRedisStore } from '../../../orchestrator/store/redis-store.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aBuild, aJob } from '../store/records.ts'
import { until } from '../until.ts'

let server: RealRedis
let redis: Redis
let store: Store

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
  store = createRedisStore({ redis, prefix: 'test' })
})
beforeEach(() => redis.flushall())
afterAll(() => server.stop())

/** So many builds that ended two hours ago, each with the folder of its job, and one that runs. */
async function builds(count: number) {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-sweeps-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const at = new Date(Date.now() - 7_200_000)
  const add = async (index: number, over: boolean) => {
    const id = `${encodeTime(at.getTime(), 10).toLowerCase()}${String(index).padStart(16, '0')}`
    const end = over
      ? ({ state: 'passed', ended: at.toISOString() } as const)
      : ({ state: 'running' } as const)
    const job = aJob(id, 'main', end)
    await store.builds.add(aBuild({ id, jobs: [job.id], ...end }), [job])
    await mkdir(join(folder, 'jobs', `${job.id}-1`), { recursive: true })
    await writeFile(join(folder, 'jobs', `${job.id}-1`, 'log'), 'a log')
    return id
  }
  for (let index = 0; index < count; index += 1) await add(index, true)
  const running = await add(count, false)
  return { folder, running }
}

function sweeping(folder: string, archive: Archive = createArchive({ folder })) {
  const sweeper = startRetention({
    ...{ redis: server.connect(), prefix: 'test', store, archive, metrics: createMetrics() },
    retention: { builds: { age: 1000 }, logs: 1000, artifacts: 1000 },
    times: { every: 50, pause: 10, lease: 30_000 },
    now: () => new Date(),
    log: pino({ level: 'silent' }),
    most: 5,
  })
  onTestFinished(() => sweeper.close())
  return sweeper
}

const listed = async () =>
  (await store.builds.list({}, { limit: 100, cursor: undefined })).items.map(({ id }) => id)

it('sweeps in one of many processes at a time, part by part, until nothing is left to do', async () => {
  const { folder, running } = await builds(23)
  let at = 0
  let most = 0
  const archive = createArchive({ folder })
  const watched: Archive = {
    ...archive,
    remove: async (build, attempts) => {
      at += 1
      most = Math.max(most, at)
      await sleep(5)
      await archive.remove(build, attempts)
      at -= 1
    },
  }
  for (let process = 0; process < 4; process += 1) sweeping(folder, watched)
  await until('only the build that runs is left', async () => (await listed()).join() === running)
  await until('and its folder', async () => (await readdir(join(folder, 'jobs'))).length === 1)
  expect(most).toBe(1)
})

it('takes up what a process that was killed in the middle of a sweep left', async () => {
  const { folder, running } = await builds(10)
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(import.meta.dirname, 'sweep-child.ts'), server.socket, folder],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exited = once(child, 'exit')
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await exited
  // The records have gone, the folders have not.
  expect(await listed()).toEqual([running])
  expect((await readdir(join(folder, 'jobs'))).length).toBeGreaterThan(5)
  sweeping(folder)
  await until('the folders are gone', async () => (await readdir(join(folder, 'jobs'))).length === 1)
  await until('nothing is noted', async () => (await redis.exists('test:builds-removing')) === 0)
  expect(await readdir(join(folder, 'jobs'))).toEqual([`${running}-main-1`])
})

it('ends when it is told, in the middle of a sweep', async () => {
  const { folder } = await builds(10)
  const archive = createArchive({ folder })
  let removed = 0
  const slow: Archive = {
    ...archive,
    remove: async () => {
      removed += 1
      await sleep(100)
    },
  }
  const sweeper = sweeping(folder, slow)
  await until('it removes', () => removed > 0)
  await sweeper.close()
  const before = removed
  await sleep(250)
  expect(removed).toBe(before)
  expect(await redis.exists('test:lease:retention')).toBe(0)
})
