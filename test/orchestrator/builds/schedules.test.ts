import { Queue } from 'bullmq'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import type { CreateRequest } from '../../../orchestrator/builds/create-build.ts'
import { createSchedules } from '../../../orchestrator/builds/schedules.ts'
import { type Repository, repositoryKey } from '../../../orchestrator/model/repository.ts'
import { memoryStore } from '../memory-store.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aRepository } from './a-repository.ts'

let redis: RealRedis
let count = 0

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(async () => {
  await redis.stop()
})

async function open(...repositories: Repository[]) {
  count += 1
  const prefix = `test${count}`
  const connection = redis.connect()
  const store = memoryStore()
  for (const repository of repositories) await store.repositories.put(repository)
  const created: CreateRequest[] = []
  const resolveRef = vi.fn(async (_repository: Repository, _ref: string) => 'd'.repeat(40))
  const create = vi.fn(async (request: CreateRequest) => {
    created.push(request)
    return { build: undefined, reasons: [] }
  })
  const schedules = createSchedules({
    connection,
    prefix,
    store,
    builds: { create },
    resolveRef,
    log: pino({ level: 'silent' }),
  })
  const queue = new Queue('schedules', { connection, prefix })
  const close = async () => {
    await schedules.close()
    await queue.close()
  }
  /** Makes the next time of each schedule come now. */
  const fire = async () => {
    for (const job of await queue.getDelayed()) await job.promote()
  }
  return { store, schedules, queue, created, create, resolveRef, fire, close }
}

const nightly = { cron: '30 2 * * *', branch: 'main' }

describe('schedules', () => {
  it('start a build at the tip of their branch when the time has come, in UTC', async () => {
    const world = await open(aRepository({ schedules: [nightly] }))
    expect(await world.schedules.sync()).toEqual([])
    const [scheduler] = await world.queue.getJobSchedulers()
    const next = new Date(scheduler?.next ?? 0)
    expect([next.getUTCHours(), next.getUTCMinutes()]).toEqual([2, 30])
    await world.fire()
    await vi.waitFor(() => expect(world.created).toHaveLength(1))
    expect(world.created[0]?.trigger).toMatchObject({
      event: 'schedule',
      branch: 'main',
      ref: 'refs/heads/main',
      sha: 'd'.repeat(40),
    })
    expect(world.created[0]?.id).toMatch(/^[0-9a-hjkmnp-tv-z]{26}$/)
    await world.close()
  })

  it('come to the same build when their work is done again, and to another one the next time', async () => {
    const world = await open(aRepository({ schedules: [nightly] }))
    await world.schedules.sync()
    world.create.mockRejectedValueOnce(new Error('Redis went away'))
    await world.fire()
    await vi.waitFor(() => expect(world.created).toHaveLength(1), { timeout: 20_000 })
    expect(world.create.mock.calls[0]?.[0].id).toBe(world.created[0]?.id)
    await vi.waitFor(async () => expect(await world.queue.getDelayedCount()).toBe(1))
    await world.fire()
    await vi.waitFor(() => expect(world.created).toHaveLength(2))
    expect(world.created[1]?.id).not.toBe(world.created[0]?.id)
    await world.close()
  })

  it('follow what is registered, and leave the next time of what stays alone', async () => {
    const repository = aRepository({ schedules: [nightly, { cron: '0 * * * *', branch: 'dev' }] })
    const world = await open(repository)
    await world.schedules.sync()
    expect(await world.queue.getJobSchedulersCount()).toBe(2)
    const before = (await world.queue.getDelayed()).map(({ id }) => id)
    await world.schedules.sync()
    expect((await world.queue.getDelayed()).map(({ id }) => id)).toEqual(before)
    await world.store.repositories.put({ ...repository, schedules: [nightly] })
    await world.schedules.sync()
    expect((await world.queue.getJobSchedulers()).map(({ pattern }) => pattern)).toEqual(['30 2 * * *'])
    await world.store.repositories.remove(repositoryKey(repository))
    await world.schedules.sync()
    expect(await world.queue.getJobSchedulersCount()).toBe(0)
    await world.close()
  })

  it('say what is wrong with a time that there is not, while the others serve', async () => {
    const world = await open(aRepository({ schedules: [{ cron: '99 * * * *', branch: 'main' }, nightly] }))
    const problems = await world.schedules.sync()
    expect(problems).toEqual([
      expect.stringMatching(/^gitea:mayfly\/hello: schedule "99 \* \* \* \*" of main: /),
    ])
    expect(await world.queue.getJobSchedulersCount()).toBe(1)
    await world.close()
  })

  it('start nothing for a branch that is gone and go on', async () => {
    const world = await open(aRepository({ schedules: [nightly] }))
    await world.schedules.sync()
    world.resolveRef.mockRejectedValueOnce(new ConfigError('expected branch main, found none'))
    await world.fire()
    await vi.waitFor(async () => {
      expect(world.resolveRef).toHaveBeenCalledTimes(1)
      expect(await world.queue.getDelayedCount()).toBe(1)
    })
    expect(world.created).toEqual([])
    await world.close()
  })
})
