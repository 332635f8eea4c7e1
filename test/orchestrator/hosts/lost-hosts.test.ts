import { expect, it, onTestFinished } from 'vitest'
import { endLostJobs } from '../../../orchestrator/hosts/end-lost-jobs.ts'
import { createHosts, heartbeatMs, staleMs } from '../../../orchestrator/hosts/hosts.ts'
import { createLostHosts } from '../../../orchestrator/hosts/lost-hosts.ts'
import { aTrigger, buildWorld } from '../builds/build-world.ts'
import { startRedis } from '../real-redis.ts'

const file = 'steps:\n  - run: "true"\n'
const day = 86_400_000

/** A job of host-a, seen from another host whose wall clock and steady clock the test moves apart. */
async function aJobElsewhere() {
  const server = await startRedis()
  onTestFinished(() => server.stop())
  const world = await buildWorld({ file })
  const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
  const id = build?.jobs[0] ?? ''
  let wall = Date.parse('2026-01-02T03:04:05.000Z')
  let steady = 0
  const now = () => new Date(wall)
  const hosts = createHosts({ redis: server.connect(), prefix: 'test', now })
  const size = { total: 8, taken: 2 }
  const beat = () => hosts.announce({ name: 'host-a', cpus: size, memory: size, running: [id] })
  await world.store.jobs.claim(id, 'host-a')
  await beat()
  const lostHosts = createLostHosts({ monotonic: () => steady })
  const { store, builds, parts } = world
  return {
    ...{ server, beat, stateOf: async () => (await store.jobs.get(id))?.state },
    look: () => endLostJobs({ store, hosts, builds, now, log: parts.log, lostHosts }),
    pass: (ms: number) => {
      wall += ms
      steady += ms
    },
    setClock: (ms: number) => {
      wall += ms
    },
  }
}

it.each([
  ['a day ahead', day],
  ['a day back', -day],
])('a wall clock that is set %s ends no job of a host that lives', async (_which, jump) => {
  const { look, pass, beat, setClock, stateOf } = await aJobElsewhere()
  expect(await look()).toEqual([])
  setClock(jump)
  for (let beats = 0; beats < 5; beats += 1) {
    expect(await look()).toEqual([])
    pass(heartbeatMs)
    await beat()
  }
  expect(await look()).toEqual([])
  expect(await stateOf()).toBe('claimed')
})

it('a host that is silent is lost all the same, soon after it counts as stale, whatever the clock did', async () => {
  const { look, pass, setClock, beat } = await aJobElsewhere()
  setClock(day)
  await beat()
  let waited = 0
  while ((await look()).length === 0) {
    pass(heartbeatMs)
    waited += heartbeatMs
    expect(waited).toBeLessThanOrEqual(staleMs + 4 * heartbeatMs)
  }
  expect(waited).toBeGreaterThanOrEqual(staleMs)
})

it('by the clock of Redis, what a host says of itself does not age with the clocks of others', async () => {
  const { server } = await aJobElsewhere()
  const hosts = createHosts({ redis: server.connect(), prefix: 'real' })
  const none = { total: 0, taken: 0 }
  await hosts.announce({ name: 'a', cpus: none, memory: none, running: [] })
  const [host] = await hosts.list()
  expect(host?.stale).toBe(false)
  expect(Math.abs(Date.parse(host?.heard ?? '') - Date.now())).toBeLessThan(60_000)
})
