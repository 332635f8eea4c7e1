import type { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTickets, type Ticket, type Tickets } from '../../../orchestrator/holds/tickets.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let server: RealRedis
let redis: Redis
let tickets: Tickets
let time: number

beforeAll(async () => {
  server = await startRedis()
  redis = server.connect()
  tickets = createTickets({ redis, prefix: 'test', now: () => new Date(time) })
})
afterAll(() => server.stop())
beforeEach(async () => {
  await redis.flushall()
  time = Date.parse('2026-07-01T12:03:00Z')
})

const ticket = (change: Partial<Ticket> = {}): Ticket => ({
  ...{ job: 'job-1', publicKey: 'ssh-ed25519 AAAA', who: 'ada in a browser from ::1', use: 'shell' },
  ...change,
})

it('gives the tickets of a job, and of no other', async () => {
  await tickets.write(ticket())
  await tickets.write(ticket({ publicKey: 'ssh-ed25519 BBBB', use: 'console' }))
  await tickets.write(ticket({ job: 'job-2', publicKey: 'ssh-ed25519 CCCC' }))
  // Redis gives them in any order.
  const live = (await tickets.ofJob('job-1')).toSorted((a, b) => (a.publicKey < b.publicKey ? -1 : 1))
  expect(live.map(({ spend: _, ...rest }) => rest)).toEqual([
    ticket(),
    ticket({ publicKey: 'ssh-ed25519 BBBB', use: 'console' }),
  ])
  expect(await tickets.ofJob('job-3')).toEqual([])
})

it('lets one of many who come with the same ticket in', async () => {
  await tickets.write(ticket())
  const shown = await Promise.all(Array.from({ length: 8 }, () => tickets.ofJob('job-1')))
  const spent = await Promise.all(shown.map(async ([one]) => await one?.spend()))
  expect(spent.filter((isFirst) => isFirst)).toHaveLength(1)
  expect(await tickets.ofJob('job-1')).toEqual([])
})

it('counts for half a minute: neither shown nor good for a login after that, though it was seen in time', async () => {
  await tickets.write(ticket())
  time += 29_000
  const [seen] = await tickets.ofJob('job-1')
  time += 2_000
  expect(await tickets.ofJob('job-1')).toEqual([])
  expect(await seen?.spend()).toBe(false)
  // One that nobody uses does not stay in Redis either.
  expect(await redis.pttl('test:debug-tickets:job-1')).toBeLessThanOrEqual(30_000)
})
