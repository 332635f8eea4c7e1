import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createDeliveryQueue } from '../../../orchestrator/deliveries/delivery-queue.ts'
import { startDeliveryWorker } from '../../../orchestrator/deliveries/delivery-worker.ts'
import { aRepository } from '../a-repository.ts'
import { fixture } from '../forges/fixture.ts'
import type { RealRedis } from '../real-redis.ts'
import { startRedis } from '../real-redis.ts'
import { until } from '../until.ts'
import type { DeliveryParts } from './delivery-parts.ts'
import { deliveryParts, log, signed } from './delivery-parts.ts'

let redis: RealRedis
const closing: { close(): Promise<void> }[] = []
beforeAll(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  for (const part of closing.splice(0).reverse()) await part.close()
})
afterAll(() => redis.stop())

async function accept({ receive }: DeliveryParts, name = 'gitea/webhooks'): Promise<string> {
  const push = fixture('gitea-push') as { repository: object }
  const body = { ...push, repository: { ...push.repository, full_name: name } }
  return (await receive(signed(body))).delivery?.id ?? ''
}

function work(parts: DeliveryParts, process: (id: string) => Promise<void>) {
  const { prefix, store } = parts
  const connection = redis.connect()
  const queue = createDeliveryQueue({ connection, prefix })
  const worker = startDeliveryWorker({ connection, prefix, store, queue, process, log, sweep: 200 })
  closing.push(queue, worker)
  return queue
}

describe('startDeliveryWorker', () => {
  it('works on what is put in line, and on what was recorded and never put there', async () => {
    const parts = await deliveryParts(redis)
    const done: string[] = []
    const left = await accept(parts)
    const queue = work(parts, async (id) => {
      done.push(id)
      await parts.store.deliveries.update(id, { verdict: 'built' })
    })
    await until('the one that was left', () => done.includes(left))
    const next = await accept(parts)
    await queue.add(next)
    await until('the next', () => done.includes(next))
    const lost = await accept(parts)
    await until('one that got lost meanwhile', () => done.includes(lost))
    expect(done).toEqual([left, next, lost])
  })

  it('keeps the order within a repository, and lets none wait for another that hangs', async () => {
    const parts = await deliveryParts(redis)
    await parts.store.repositories.put(aRepository({ name: 'slow/one' }))
    const done: string[] = []
    let letGo: () => void = () => undefined
    const hanging = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const slow = await accept(parts, 'slow/one')
    const slowNext = await accept(parts, 'slow/one')
    const fast = await accept(parts)
    work(parts, async (id) => {
      if (id === slow) await hanging
      done.push(id)
      await parts.store.deliveries.update(id, { verdict: 'built' })
    })
    await until('the other repository', () => done.includes(fast))
    await sleep(50)
    expect(done).toEqual([fast])
    letGo()
    await until('the slow ones', () => done.length === 3)
    expect(done).toEqual([fast, slow, slowNext])
  })

  it('tries again after a failure, and says failed when all tries are used up', async () => {
    const parts = await deliveryParts(redis)
    const { prefix, store } = parts
    const connection = redis.connect()
    const queue = createDeliveryQueue({ connection, prefix, attempts: 3, delay: 20 })
    const id = await accept(parts)
    let tries = 0
    const worker = startDeliveryWorker({
      connection,
      prefix,
      store,
      queue,
      log,
      sweep: 60_000,
      process: async () => {
        tries += 1
        throw new Error('the clone broke off')
      },
    })
    closing.push(queue, worker)
    await until('the verdict', async () => (await store.deliveries.get(id))?.verdict === 'failed')
    expect(tries).toBe(3)
    expect((await store.deliveries.get(id))?.reasons.at(-1)).toBe('the clone broke off')
  })

  it('loses nothing when Redis is killed while it works', async () => {
    const parts = await deliveryParts(redis)
    const done = new Set<string>()
    const ids: string[] = []
    for (let count = 0; count < 30; count++) ids.push(await accept(parts))
    work(parts, async (id) => {
      await sleep(5)
      await parts.store.deliveries.update(id, { verdict: 'built' })
      done.add(id)
    })
    await until('a few', () => done.size > 3)
    await redis.restart()
    // What was under way is taken up again when its lock has run out, at BullMQ's second look after that.
    await until('all', () => ids.every((id) => done.has(id)), 150_000)
  }, 180_000)
})
