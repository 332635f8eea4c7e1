import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createJobQueue, type JobQueue } from '../../../orchestrator/queue/job-queue.ts'
import { jobOf, queueId } from '../../../orchestrator/queue/queue-names.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { aLineJob } from './a-line-job.ts'

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
    await queue.remove(aLineJob(id))
    await queue.remove(aLineJob(id, { attempt: 2 }))
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
    for (const [id, priority] of jobs) await queue.add(aLineJob(id, { priority }))
    expect(await queue.waiting(100)).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(await queue.waiting(3)).toEqual(['a', 'b', 'c'])
    expect(await queue.waiting(0)).toEqual([])
    await drain()
  })

  it('takes an attempt once, and another attempt as another one', async () => {
    for (const attempt of [1, 1, 2, 1]) await queue.add(aLineJob('01abc-test_x', { attempt }))
    expect(await queue.waiting(100)).toEqual(['01abc-test_x', '01abc-test_x'])
    await drain()
  })

  it('takes a waiting job out once', async () => {
    const job = aLineJob('gone:soon', { priority: 3 })
    await queue.add(job)
    expect(await queue.waiting(1)).toEqual(['gone:soon'])
    expect([await queue.remove(job), await queue.remove(job)]).toEqual([true, false])
    expect(await queue.waiting(1)).toEqual([])
  })

  it('holds ids and nothing else', async () => {
    await queue.add(aLineJob('b1-test'))
    const redis = server.connect()
    expect(await redis.hget('test:jobs:b1-test-1', 'data')).toBe(
      '{"id":"b1-test","attempt":1,"repository":"gitea:octo/hello"}',
    )
    await drain()
  })

  it('loses nothing that it took when Redis is killed meanwhile, and doubles nothing', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `job-${index}`)
    const added = ids.map((id) => queue.add(aLineJob(id)))
    await added[20]
    await server.restart()
    await Promise.all(added)
    expect((await queue.waiting(1000)).sort()).toEqual([...ids].sort())
    await drain()
  })
})

describe('addAhead', () => {
  it('puts a job before all others, and does nothing where hosts may take it already', async () => {
    for (const id of ['a', 'b']) await queue.add(aLineJob(id, { priority: 7 }))
    await queue.addAhead(aLineJob('a', { priority: 7 }))
    await queue.addAhead(aLineJob('woken', { priority: 7 }))
    await queue.addAhead(aLineJob('sooner', { repository: 'gitea:octo/other' }))
    expect(await queue.waiting(10)).toEqual(['sooner', 'woken', 'a', 'b'])
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
        expect(jobOf(name)).toEqual(one)
        expect(name === queueId(two)).toBe(one.id === two.id && one.attempt === two.attempt)
      }),
    )
  })
})
