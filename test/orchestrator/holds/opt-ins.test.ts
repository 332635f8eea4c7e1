import { afterAll, beforeAll, expect, it } from 'vitest'
import { createOptIns, debugKeys, type OptIn, type OptIns } from '../../../orchestrator/holds/opt-ins.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let optIns: OptIns
const first: OptIn = {
  ...{ by: 'ann', at: '2026-01-01T00:00:00.000Z', keys: [{ who: 'bob', publicKey: 'b' }] },
  users: [{ name: 'ada', read: '2026-01-01T00:00:00.000Z', keys: ['one', 'two'] }],
}

beforeAll(async () => {
  server = await startRedis()
  optIns = createOptIns({ redis: server.connect(), prefix: 'test' })
})
afterAll(() => server.stop())

it('is replaced only while it is what was read, and never comes back where it was ended', async () => {
  const key = 'gitea:ada/engine'
  const [second, third] = [
    { ...first, users: [] },
    { ...first, by: 'eve' },
  ]
  await optIns.put(key, first)
  const read = (await optIns.get(key)) as OptIn
  expect(await optIns.replace(key, read, second)).toBe(true)
  expect(await optIns.get(key)).toEqual(second)
  expect(await optIns.replace(key, read, third)).toBe(false)
  expect(await optIns.get(key)).toEqual(second)
  expect(await optIns.remove(key)).toBe(true)
  expect(await optIns.replace(key, second, third)).toBe(false)
  expect(await optIns.get(key)).toBe(undefined)
})

it('lets in those who were named by their keys and those whom the forge knows, each by name', () => {
  expect(debugKeys(first)).toEqual([
    { who: 'bob', publicKey: 'b' },
    { who: 'ada', publicKey: 'one' },
    { who: 'ada', publicKey: 'two' },
  ])
})
