import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endLostJobs } from '../../../orchestrator/hosts/end-lost-jobs.ts'
import { hostCapacities } from '../../../orchestrator/hosts/host-capacities.ts'
import { createHosts, heartbeatMs, staleMs } from '../../../orchestrator/hosts/hosts.ts'
import { aTrigger, buildWorld } from '../builds/build-world.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let redis: RealRedis
let count = 0
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

function someHosts() {
  let time = Date.parse('2026-01-02T03:04:05.000Z')
  const now = () => new Date(time)
  const hosts = createHosts({ redis: redis.connect(), prefix: `hosts${count++}`, now })
  const status = (name: string) => ({
    name,
    cpus: { total: 8, taken: 2 },
    memory: { total: 100, taken: 10 },
    running: ['a'],
  })
  const pass = (ms: number) => {
    time += ms
  }
  return { hosts, now, status, pass }
}

describe('hosts', () => {
  it('are listed by name with what they last said, until they leave', async () => {
    const { hosts, status } = someHosts()
    await hosts.announce(status('b'))
    await hosts.announce(status('a'))
    expect(await hosts.list()).toMatchObject([
      { ...status('a'), stale: false },
      { ...status('b'), stale: false },
    ])
    await hosts.leave('a')
    expect((await hosts.list()).map(({ name }) => name)).toEqual(['b'])
  })

  it('that are expected take no place of one that has said what it has, and refuse nothing for its size', async () => {
    const { hosts, status, pass } = someHosts()
    await hosts.announce(status('a'))
    await hosts.expect('a')
    expect(await hostCapacities(hosts)).toEqual([{ id: 'a', cpus: 8, memory: 100 }])
    await hosts.expect('b')
    expect(await hosts.list()).toMatchObject([{ name: 'a' }, { name: 'b', stale: false }])
    expect(await hostCapacities(hosts)).toEqual([])
    pass(staleMs + 1)
    await hosts.announce(status('a'))
    expect(await hostCapacities(hosts)).toEqual([{ id: 'a', cpus: 8, memory: 100 }])
  })

  it('that went away for a restart are not stale until their time is over, and say what runs there', async () => {
    const { hosts, status, pass } = someHosts()
    await hosts.announce(status('a'))
    await hosts.goAway('a', { running: ['b'], ms: 15 * 60_000 })
    pass(15 * 60_000)
    expect(await hosts.list()).toMatchObject([{ name: 'a', running: ['b'], stale: false }])
    pass(1)
    expect(await hosts.list()).toMatchObject([{ name: 'a', stale: true }])
    await hosts.goAway('never-there', { running: [], ms: 1 })
    expect(await hosts.list()).toHaveLength(1)
  })

  it('AC15: are stale within the configured interval after a killed worker was last heard of', async () => {
    const { hosts, status, pass } = someHosts()
    await hosts.announce(status('a'))
    pass(staleMs)
    expect((await hosts.list())[0]?.stale).toBe(false)
    pass(1)
    expect((await hosts.list())[0]?.stale).toBe(true)
    await hosts.announce(status('a'))
    expect((await hosts.list())[0]?.stale).toBe(false)
    expect(heartbeatMs * 3).toBeLessThan(staleMs)
  })
})

describe('endLostJobs', () => {
  const file = 'jobs:\n  one:\n    steps:\n      - run: "true"\n  two:\n    steps:\n      - run: "true"\n'

  it('AC15: ends or retries the jobs of a host that is silent, once, and leaves those of the living', async () => {
    const world = await buildWorld({ file })
    const { hosts, now, status, pass } = someHosts()
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    const [one = '', two = ''] = build?.jobs ?? []
    await world.start(one)
    await world.store.jobs.claim(two, 'host-b')
    await hosts.announce(status('host-a'))
    await hosts.announce(status('host-b'))
    const { store, builds, parts } = world
    const look = () => endLostJobs({ store, hosts, builds, now, log: parts.log })
    expect(await look()).toEqual([])
    pass(staleMs + 1)
    await hosts.announce(status('host-b'))
    const ended = await Promise.all([look(), look(), look()])
    expect(ended.flat()).toEqual([one])
    const lost = await store.jobs.get(one)
    expect(lost).toMatchObject({ state: 'queued', attempt: 2, host: undefined })
    expect((await store.jobs.get(two))?.state).toBe('claimed')
    expect(await look()).toEqual([])
  })

  it('AC15: ends the jobs of a host that nobody knows, so that none runs for ever', async () => {
    const world = await buildWorld({ file })
    const { hosts, now } = someHosts()
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    const { store, builds, parts } = world
    for (let round = 0; round < 10; round++) {
      for (const id of build?.jobs ?? []) await store.jobs.claim(id, 'gone')
      await endLostJobs({ store, hosts, builds, now, log: parts.log })
    }
    for (const id of build?.jobs ?? [])
      expect(await store.jobs.get(id)).toMatchObject({ state: 'errored', failure: 'host-lost' })
  })
})
