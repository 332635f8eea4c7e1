import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createCordons } from '../../../orchestrator/hosts/cordons.ts'
import { createFleet } from '../../../orchestrator/hosts/fleet.ts'
import { until } from '../until.ts'
import { aSelf } from './a-self.ts'
import { hostWorld } from './host-world.ts'

const minute = 60_000
const file = 'resources: { cpus: 1, memory: 256MiB }\nsteps:\n  - { name: work, run: make }\n'

async function fleetWorld() {
  const world = await hostWorld({ file })
  const { hosts, bus, store, builds, parts } = world
  const cordons = createCordons({ redis: world.redis.connect(), prefix: 'test' })
  const fleet = createFleet({ hosts, cordons, bus, store, builds, now: () => new Date(), log: parts.log })
  const startHost = (name: string, machine = {}) =>
    world.startHost(name, {
      machine,
      parts: { cordons, self: aSelf({ computer: name.replace(/-\d+$/, ''), labels: [] }) },
    })
  const heard = (name: string) =>
    until('it is heard of', async () => (await hosts.list()).some((host) => host.name === name))
  return { ...world, fleet, startHost, heard }
}

it(
  'a cordoned host lets go on what runs and takes nothing new, over a restart, until it is uncordoned',
  async () => {
    const { fleet, startHost, heard, push, store } = await fleetWorld()
    const slow = { steps: () => ({ prints: ['begun\n', 4000, 'made it\n'] }) }
    const before = startHost('rack-1', slow)
    const first = await push()
    await until('it runs', () => before.start.machines[0]?.ran.length === 1)
    await fleet.cordon('rack', { by: 'ann' })
    const second = await push()
    const state = async (id = '') => (await store.jobs.get(id))?.state
    await until('the first passed', async () => (await state(first.ids.main)) === 'passed')
    // Longer than a job takes to be taken otherwise.
    await sleep(2500)
    expect(await store.jobs.get(second.ids.main ?? '')).toMatchObject({ state: 'queued', claim: 0 })
    await before.stop()
    const after = startHost('rack-2')
    await heard('rack-2')
    await sleep(2500)
    expect(after.start.orders).toEqual([])
    await fleet.uncordon('rack', { by: 'ann' })
    await until('the second passed', async () => (await state(second.ids.main)) === 'passed')
    expect(after.start.orders).toHaveLength(1)
  },
  3 * minute,
)

it(
  'what still runs on a drained host at its deadline is put back in line, and another host runs it',
  async () => {
    const { fleet, startHost, heard, push, store, hosts } = await fleetWorld()
    const hanging = startHost('a-1', { steps: { work: { instead: 'hang' } } })
    const { ids } = await push()
    await until('it runs', () => hanging.start.machines[0]?.ran.length === 1)
    await fleet.drain('a', { by: 'ann', ms: 1000 })
    const job = () => store.jobs.get(ids.main ?? '')
    await until('it is put back', async () => (await job())?.state === 'queued')
    await until('it is empty', async () => (await hosts.list())[0]?.running.length === 0)
    expect(hanging.start.machines[0]?.destroyed.length).toBeGreaterThan(0)
    startHost('b-1')
    await heard('b-1')
    await until('it passed', async () => (await job())?.state === 'passed')
    expect(await job()).toMatchObject({ host: 'b-1', attempt: 1 })
    expect(hanging.start.orders).toHaveLength(1)
  },
  3 * minute,
)
