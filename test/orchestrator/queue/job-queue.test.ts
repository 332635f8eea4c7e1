import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createJobQueue, type JobQueue } from '../../../orchestrator/queue/job-queue.ts'
import { jobIdOf, queueId } from '../../../orchestrator/queue/queue-names.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let queue: JobQueue

beforeAll(async () => {
  server = await startRedis()
  queue = createJobQueue({ connection: server.connect(), prefix: 'test' })
})

afterAll(async () => {
  await queue.close()
  await server.stop()
})

async function drain(): Promise<void> {
  for (const id of await queue.waiting(1000)) {
    await queue.remove({ id, attempt: 1 })
    await queue.remove({ id, attempt: 2 })
  }
}

describe('the job queue', () => {
  it('keeps jobs in the order of their priority, and those of one priority in the order of their coming', async () => {
    const jobs = [
      ['c', 5],
      ['a', 0],
      ['d', 5],
      ['e', 9_999_999],
      ['b', 0],
    ] as const
    for (const [id, priority] of jobs) await queue.add({ id, attempt: 1, priority })
    expect(await queue.waiting(100)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(await queue.waiting(3)).toEqual(['a', 'b', 'c'])
    expect(await queue.waiting(0)).toEqual([])
    await drain()
  })

  it('takes an attempt once, and another attempt as another one', async () => {
    for (const attempt of [1, 1, 2, 1]) await queue.add({ id: '01abc-test_x', attempt, priority: 0 })
    expect(await queue.waiting(100)).toEqual(['01abc-test_x', '01abc-test_x'])
    await drain()
  })

  it('takes a waiting job out once', async () => {
    const job = { id: 'gone:soon', attempt: 1 }
    await queue.add({ ...job, priority: 3 })
    expect(await queue.waiting(1)).toEqual(['gone:soon'])
    expect([await queue.remove(job), await queue.remove(job)]).toEqual([true, false])
    expect(await queue.waiting(1)).toEqual([])
  })

  it('holds ids and nothing else', async () => {
    await queue.add({ id: 'b1-test', attempt: 1, priority: 0 })
    const redis = server.connect()
    expect(await redis.hget('test:jobs:b1-test-1', 'data')).toBe('{"id":"b1-test","attempt":1}')
    await drain()
  })

  it('loses nothing that it took when Redis is killed meanwhile, and doubles nothing', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `job-${index}`)
    const added = ids.map((id) => queue.add({ id, attempt: 1, priority: 0 }))
    await added[20]
    await server.restart()
    await Promise.all(added)
    expect((await queue.waiting(1000)).sort()).toEqual([...ids].sort())
    await drain()
  })
})

describe('queue ids', () => {
  it('suit BullMQ, differ where jobs differ, and give the job id back', () => {
    const job = fc.record({ id: fc.string({ minLength: 1 }), attempt: fc.integer({ min: 1, max: 99 }) })
    fc.assert(
      fc.property(job, job, (one, two) => {
        const name = queueId(one)
        expect(name).not.toContain(':')
        expect(name).not.toMatch(/^\d+$/)
        expect(jobIdOf(name)).toBe(one.id)
        expect(name === queueId(two)).toBe(one.id === two.id && one.attempt === two.attempt)
      }),
    )
  })
})
