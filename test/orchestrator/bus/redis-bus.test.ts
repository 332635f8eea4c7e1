import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Bus, BusMessage } from '../../../orchestrator/bus/bus.ts'
import { createRedisBus } from '../../../orchestrator/bus/redis-bus.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

const log = pino({ level: 'silent' })
let server: RealRedis
let ours: Bus
let theirs: Bus

beforeAll(async () => {
  server = await startRedis()
  const redis = server.connect()
  ours = await createRedisBus({ redis, prefix: 'test', log })
  theirs = await createRedisBus({ redis, prefix: 'test', log })
})

afterAll(async () => {
  await ours.close()
  await theirs.close()
  await server.stop()
})

function listen(bus: Bus): { heard: BusMessage[]; end: () => void } {
  const heard: BusMessage[] = []
  return { heard, end: bus.subscribe((message) => void heard.push(message)) }
}

describe('the bus', () => {
  it('brings each kind of message to every process, the sender included', async () => {
    const messages: BusMessage[] = [
      { type: 'build', id: 'b' },
      { type: 'job', id: 'b-test', build: 'b' },
      { type: 'log', job: 'b-test', size: 7 },
      { type: 'console', job: 'b-test', size: 8 },
      { type: 'cancel', job: 'b-test', by: 'ann' },
      { type: 'delivery', id: 'd' },
      { type: 'host', id: 'h' },
    ]
    const [near, far] = [listen(ours), listen(theirs)]
    for (const message of messages) await ours.publish(message)
    await vi.waitFor(() => expect([near.heard, far.heard]).toEqual([messages, messages]))
    near.end()
    far.end()
  })

  it('is not held up by a subscriber that is slow or throws; the slow one gets the newest about each thing', async () => {
    const slow: BusMessage[] = []
    let release = () => {}
    const endSlow = theirs.subscribe(async (message) => {
      slow.push(message)
      await new Promise<void>((resolve) => {
        release = resolve
      })
    })
    const endBroken = theirs.subscribe(() => {
      throw new Error('broken')
    })
    const quick = listen(theirs)
    await ours.publish({ type: 'build', id: 'first' })
    await vi.waitFor(() => expect(slow).toHaveLength(1))
    for (let size = 1; size <= 1000; size++) await ours.publish({ type: 'log', job: 'j', size })
    await vi.waitFor(() => expect(quick.heard.at(-1)).toEqual({ type: 'log', job: 'j', size: 1000 }))
    release()
    await vi.waitFor(() => expect(slow.at(-1)).toEqual({ type: 'log', job: 'j', size: 1000 }))
    expect(slow).toHaveLength(2)
    release()
    endSlow()
    endBroken()
    quick.end()
  })

  it('says nothing more to one that has unsubscribed', async () => {
    const gone = listen(theirs)
    gone.end()
    const still = listen(theirs)
    await ours.publish({ type: 'host', id: 'h' })
    await vi.waitFor(() => expect(still.heard).toHaveLength(1))
    expect(gone.heard).toEqual([])
    still.end()
  })

  it('ignores what a newer version says', async () => {
    const { heard, end } = listen(theirs)
    const redis = server.connect()
    await redis.publish('test:bus', '{"type":"moon","id":"1"}')
    await redis.publish('test:bus', 'not json')
    await redis.publish('test:bus', '{"type":"host","id":"h","colour":"red"}')
    await vi.waitFor(() => expect(heard).toEqual([{ type: 'host', id: 'h' }]))
    end()
  })

  it('listens again after Redis was away, and never fails a sender', async () => {
    const { heard, end } = listen(theirs)
    const restarted = server.restart()
    for (let index = 0; index < 20; index++) {
      await ours.publish({ type: 'host', id: 'away' })
      await sleep(2)
    }
    await restarted
    await vi.waitFor(async () => {
      await ours.publish({ type: 'host', id: 'back' })
      expect(heard).toContainEqual({ type: 'host', id: 'back' })
    }, 5000)
    end()
  })
})
