import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSoleTask } from '../../../orchestrator/redis/sole-task.ts'
import { startRedis } from '../real-redis.ts'
import { until } from '../until.ts'

async function processes(everyMs: number) {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const redis = server.connect()
  const done: string[] = []
  const open = (holder: string) =>
    createSoleTask({
      ...{ redis, key: 'test:task', holder, everyMs },
      work: async () => done.push(holder),
    })
  return { done, open }
}

describe('createSoleTask', () => {
  it('has one process do the work, once in its time however often it is asked', async () => {
    const { done, open } = await processes(60_000)
    const [a, b] = [open('a'), open('b')]
    for (let round = 0; round < 20; round++) for (const one of [a, b]) await one.run()
    expect(done).toEqual(['a'])
  })

  it('has another process do it once the first one has gone, or was not heard of for a while', async () => {
    const { done, open } = await processes(50)
    const [a, b, c] = [open('a'), open('b'), open('c')]
    await a.run()
    await a.close()
    await b.run()
    expect(done).toEqual(['a', 'b'])
    const takesOver = async () => {
      await c.run()
      await sleep(50)
      return done.at(-1) === 'c'
    }
    await until('the third to take over', takesOver)
  })
})
