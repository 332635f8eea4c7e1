import { Queue } from 'bullmq'
import { expect, it, onTestFinished } from 'vitest'
import { createPromoteLate } from '../../../orchestrator/queue/promote-late.ts'
import { startRedis } from '../real-redis.ts'

it('what is kept for later comes back in its time, although the wall clock was set back a day', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  const queue = new Queue('test', { connection: redis.connect(), prefix: 'test' })
  onTestFinished(() => queue.close())
  let steady = 0
  const promoteLate = createPromoteLate({ queue, monotonic: () => steady, slack: 1000 })
  // As Redis has it then: due in a day and a bit by the clock of now.
  const job = await queue.add('late', {}, { jobId: 'late-1', delay: 10_000 })
  const key = 'test:test:delayed'
  await redis.connect().zincrby(key, 86_400_000 * 4096, 'late-1')
  await promoteLate()
  expect(await job.getState()).toBe('delayed')
  steady = 11_000
  await promoteLate()
  expect(await job.getState()).toBe('delayed')
  steady = 11_001
  await promoteLate()
  expect(await job.getState()).toBe('waiting')
  await promoteLate()
})
