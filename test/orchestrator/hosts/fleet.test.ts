import { afterAll, beforeAll, expect, it } from 'vitest'
import { createCordons } from '../../../orchestrator/hosts/cordons.ts'
import { createFleet } from '../../../orchestrator/hosts/fleet.ts'
import { hostCapacities } from '../../../orchestrator/hosts/host-capacities.ts'
import { createHosts, staleMs } from '../../../orchestrator/hosts/hosts.ts'
import type { HostStatus } from '../../../orchestrator/model/queue-view.ts'
import { aTrigger, buildWorld } from '../builds/build-world.ts'
import { keptLog } from '../kept-log.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'

let redis: RealRedis
let count = 0
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const size = { total: 4, taken: 0 }

async function aFleet() {
  let time = Date.parse('2026-01-02T03:04:05.000Z')
  const now = () => new Date(time)
  const place = { redis: redis.connect(), prefix: `fleet${count++}` }
  const world = await buildWorld({ file: 'steps: [x]' })
  const hosts = createHosts({ ...place, now })
  const cordons = createCordons(place)
  const { log, lines } = keptLog()
  const { store, builds, parts } = world
  const fleet = createFleet({ hosts, cordons, bus: parts.bus, store, builds, now, log })
  const beat = (name: string, change: Partial<HostStatus> = {}) =>
    hosts.announce({
      name,
      computer: name.replace(/-\d+$/, ''),
      cpus: size,
      memory: size,
      running: [],
      ...change,
    })
  const pass = (ms: number) => {
    time += ms
  }
  return { ...world, hosts, cordons, fleet, beat, pass, lines }
}

it('a cordon is on every process of its host, says whose word it is, and is taken back', async () => {
  const { hosts, fleet, beat, lines } = await aFleet()
  await beat('rack-2-1')
  await beat('rack-3-1')
  const shown = await fleet.cordon('rack-2', { by: 'ann', why: 'a new disk' })
  expect(shown).toMatchObject({ host: 'rack-2', cordon: { by: 'ann', at: '2026-01-02T03:04:05.000Z' } })
  // Its worker was restarted.
  await hosts.leave('rack-2-1')
  await beat('rack-2-2')
  expect(await hosts.list()).toMatchObject([
    { name: 'rack-2-2', cordon: { by: 'ann' } },
    { name: 'rack-3-1' },
  ])
  expect((await hosts.list())[1]).not.toHaveProperty('cordon')
  expect(await hostCapacities(hosts)).toMatchObject([
    { id: 'rack-2-2', pressure: 'cordoned by ann: a new disk', cordoned: true },
    { id: 'rack-3-1', pressure: undefined },
  ])
  expect((await fleet.uncordon('rack-2-2', { by: 'bob' })).cordon).toBeUndefined()
  expect((await hosts.list())[0]).not.toHaveProperty('cordon')
  expect(lines()).toContain('a host is cordoned')
  expect(lines()).toContain('"by":"bob"')
})

it('a drain says until when jobs have to end', async () => {
  const { fleet, beat } = await aFleet()
  await beat('rack-2-1')
  expect((await fleet.drain('rack-2', { by: 'ann' })).cordon?.drain).toEqual({})
  const bound = await fleet.drain('rack-2', { by: 'ann', ms: 60_000 })
  expect(bound.cordon?.drain).toEqual({ until: '2026-01-02T03:05:05.000Z' })
})

it('a host that has left can be cordoned, and one that nobody has heard of cannot', async () => {
  const { hosts, fleet, beat } = await aFleet()
  await beat('rack-2-1', { labels: [] })
  await hosts.leave('rack-2-1')
  expect(await fleet.cordon('rack-2', { by: 'ann' })).toMatchObject({ processes: [], cordon: { by: 'ann' } })
  await expect(fleet.cordon('rack-3', { by: 'ann' })).rejects.toMatchObject({
    message: 'expected a host that was heard of (rack-2), got "rack-3"',
    hint: 'did you mean rack-2?',
  })
})

it('a silent host is removed with its cordon and labels, and its jobs are retried at once', async () => {
  const { hosts, fleet, beat, pass, builds, store, start, repository } = await aFleet()
  await beat('host-a', { computer: 'host-a', labels: ['gpu'] })
  await fleet.cordon('host-a', { by: 'ann' })
  const { build } = await builds.create({ repository, trigger: aTrigger() })
  const id = build?.jobs[0] ?? ''
  const claimed = await start(id)
  await expect(fleet.remove('host-a', { by: 'ann' })).rejects.toMatchObject({
    message: 'expected a host that is silent, got host-a, which was heard of at 2026-01-02T03:04:05.000Z',
    hint: expect.stringContaining('mayfly hosts drain host-a --wait'),
  })
  pass(staleMs + 1)
  expect(await fleet.remove('host-a', { by: 'ann' })).toEqual({ removed: ['host-a'], jobs: [id] })
  expect(await store.jobs.get(id)).toMatchObject({ state: 'queued', attempt: 2 })
  expect([await hosts.list(), await hosts.known()]).toEqual([[], []])
  await beat('host-a', { computer: 'host-a' })
  expect((await hosts.list())[0]).not.toHaveProperty('cordon')
  // It returns, and what it still writes of its job is not taken.
  const late = { state: 'passed' as const }
  expect(await store.jobs.change(id, ['running', 'queued'], late, claimed.claim - 1)).toBeUndefined()
})

it('of two processes the silent one goes and the host stays known', async () => {
  const { hosts, fleet, beat, pass } = await aFleet()
  await beat('rack-2-1', { labels: ['gpu'] })
  await fleet.cordon('rack-2', { by: 'ann' })
  pass(staleMs + 1)
  await beat('rack-2-2', { labels: ['gpu'] })
  await expect(fleet.remove('rack-2', { by: 'ann' })).rejects.toMatchObject({
    hint: 'the silent one there is rack-2-1',
  })
  expect((await fleet.remove('rack-2-1', { by: 'ann' })).removed).toEqual(['rack-2-1'])
  expect(await hosts.list()).toMatchObject([{ name: 'rack-2-2', cordon: { by: 'ann' } }])
})

it('a host whose server is being restarted is not removed, for its machines go on', async () => {
  const { hosts, fleet, beat, pass } = await aFleet()
  await beat('rack-2-1')
  await hosts.goAway('rack-2-1', { running: ['job'], ms: 15 * 60_000 })
  pass(staleMs + 1)
  await expect(fleet.remove('rack-2', { by: 'ann' })).rejects.toThrow('while its server is restarted')
})
