import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHosts } from '../../../orchestrator/hosts/hosts.ts'
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
  const hosts = createHosts({
    redis: redis.connect(),
    prefix: `known${count++}`,
    now: () => new Date(time),
  })
  const pass = (ms: number) => {
    time += ms
  }
  return { hosts, pass }
}

it('a host that has left is known by its name and labels, as it last said them', async () => {
  const { hosts } = someHosts()
  await hosts.announce(status('b', ['gpu']))
  await hosts.announce(status('a', []))
  await hosts.announce(status('b', ['gpu', 'kvm']))
  await hosts.leave('b-1')
  expect(await hosts.known()).toEqual([
    { computer: 'a', labels: [], heard: '2026-01-02' },
    { computer: 'b', labels: ['gpu', 'kvm'], heard: '2026-01-02' },
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
