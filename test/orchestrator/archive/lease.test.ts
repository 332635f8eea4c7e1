import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createLease } from '../../../orchestrator/archive/lease.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis

beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.stop())

it('is held by one of many that want it at once, until it gives it up', async () => {
  const leases = Array.from({ length: 10 }, (_, index) =>
    createLease({ redis: server.connect(), key: 'one', holder: `p${index}`, ms: 60_000 }),
  )
  const held = await Promise.all(leases.map((lease) => lease.hold()))
  expect(held.filter(Boolean)).toHaveLength(1)
  const owner = leases[held.indexOf(true)]
  const others = leases.filter((lease) => lease !== owner)
  await Promise.all(others.map((lease) => lease.release()))
  expect(await others[0]?.hold()).toBe(false)
  expect(await owner?.hold()).toBe(true)
  await owner?.release()
  expect(await others[0]?.hold()).toBe(true)
})

it('goes to another when its holder died', async () => {
  const make = (holder: string) => createLease({ redis: server.connect(), key: 'two', holder, ms: 2000 })
  const [dead, next] = [make('dead'), make('next')]
  expect(await dead.hold()).toBe(true)
  expect(await next.hold()).toBe(false)
  await sleep(2200)
  expect(await next.hold()).toBe(true)
  expect(await dead.hold()).toBe(false)
})
