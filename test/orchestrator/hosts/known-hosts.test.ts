import { afterAll, beforeAll, expect, it } from 'vitest'
import { hostCapacities } from '../../../orchestrator/hosts/host-capacities.ts'
import { createHosts, staleMs } from '../../../orchestrator/hosts/hosts.ts'
import { knownHostsKey } from '../../../orchestrator/hosts/known-hosts.ts'
import { knownLabels } from '../../../orchestrator/hosts/known-labels.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let redis: RealRedis
let count = 0
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const day = 24 * 60 * 60_000
const size = { total: 1, taken: 0 }
const status = (computer: string, labels: string[]) => ({
  ...{ name: `${computer}-1`, computer, labels, cpus: size, memory: size, running: [] },
})

function someHosts() {
  let time = Date.parse('2026-01-02T03:04:05.000Z')
  const place = { redis: redis.connect(), prefix: `known${count++}` }
  const hosts = createHosts({ ...place, now: () => new Date(time) })
  const pass = (ms: number) => {
    time += ms
  }
  return { ...place, hosts, pass }
}

it('a host that has left is known by its name, labels and size, as it last said them', async () => {
  const { hosts } = someHosts()
  await hosts.announce(status('b', ['gpu']))
  await hosts.announce(status('a', []))
  await hosts.announce(status('b', ['gpu', 'kvm']))
  await hosts.leave('b-1')
  expect(await hosts.known()).toEqual([
    { computer: 'a', labels: [], cpus: 1, memory: 1, heard: '2026-01-02' },
    { computer: 'b', labels: ['gpu', 'kvm'], cpus: 1, memory: 1, heard: '2026-01-02' },
  ])
  expect(await knownLabels(hosts)).toEqual([[], ['gpu', 'kvm']])
})

it('one that has not come back for a month is forgotten', async () => {
  const { hosts, pass } = someHosts()
  await hosts.announce(status('gone', ['gpu']))
  await hosts.announce(status('there', []))
  pass(29 * day)
  await hosts.announce(status('there', []))
  expect(await hosts.known()).toHaveLength(2)
  pass(2 * day)
  expect(await hosts.known()).toMatchObject([{ computer: 'there' }])
  await hosts.announce(status('there', []))
  expect(await hosts.known()).toMatchObject([{ computer: 'there', heard: '2026-02-02' }])
})

it('no labels are known while a host is expected that has not said what it has', async () => {
  const { hosts } = someHosts()
  await hosts.announce(status('a', ['kvm']))
  await hosts.expect('b-2')
  expect(await knownLabels(hosts)).toEqual([])
})

it('a host that is silent or has left still counts with its size, as one that is away, until it is back or removed', async () => {
  const { hosts, pass } = someHosts()
  const large = { total: 64, taken: 60 }
  await hosts.announce({ ...status('large', ['gpu']), cpus: large, memory: large })
  await hosts.announce({ ...status('left', []), name: 'left-1' })
  await hosts.leave('left-1')
  const away = { id: 'large', cpus: 64, memory: 64, labels: ['gpu'], away: true }
  const left = { id: 'left', cpus: 1, memory: 1, labels: [], away: true }
  const there = { id: 'large-1', cpus: 64, memory: 64, labels: ['gpu'] }
  expect(await hostCapacities(hosts)).toEqual([there, left])
  pass(staleMs + 1)
  expect(await hostCapacities(hosts)).toEqual([away, left])
  // It is back as another process.
  await hosts.announce({ ...status('large', ['gpu']), name: 'large-2', cpus: large, memory: large })
  await hosts.forget('left')
  expect(await hostCapacities(hosts)).toEqual([{ ...there, id: 'large-2' }])
  await hosts.leave('large-2')
  pass(31 * day)
  expect(await hostCapacities(hosts)).toEqual([])
})

it('a host of which an earlier version remembered no size may have any', async () => {
  const { hosts, redis, prefix } = someHosts()
  await redis.hset(knownHostsKey(prefix), 'old', JSON.stringify({ labels: ['gpu'], heard: '2026-01-01' }))
  const { POSITIVE_INFINITY: any } = Number
  expect(await hostCapacities(hosts)).toEqual([
    { id: 'old', cpus: any, memory: any, labels: ['gpu'], away: true },
  ])
})

it('a host that comes back with another size is known by that one', async () => {
  const { hosts } = someHosts()
  await hosts.announce(status('a', []))
  await hosts.announce({ ...status('a', []), cpus: { total: 8, taken: 0 } })
  await hosts.leave('a-1')
  expect(await hostCapacities(hosts)).toMatchObject([{ id: 'a', cpus: 8, away: true }])
})

it('nobody counts while a host is expected that has not said what it has', async () => {
  const { hosts } = someHosts()
  await hosts.announce(status('a', []))
  await hosts.leave('a-1')
  await hosts.expect('b-2')
  expect(await hostCapacities(hosts)).toEqual([])
})
