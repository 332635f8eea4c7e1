import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { HostConfig, PoolEntry } from '../../../config/host/host-config.ts'
import { createCordons } from '../../../orchestrator/hosts/cordons.ts'
import type { FakeMachine } from '../../fake-machine.ts'
import { until } from '../until.ts'
import { aSelf } from './a-self.ts'
import { hostWorld } from './host-world.ts'

const gib = 2 ** 30
const minute = 60_000
const hangs = { instead: 'hang' as const }
const sized = (cpus: number) => `    resources: { cpus: ${cpus}, memory: 1GiB }\n`
const job = (name: string, more = sized(1)) =>
  `  ${name}:\n${more}    steps: [{ name: ${name}, run: make }]\n`
const entry: PoolEntry = {
  ...{ image: 'debian-12-local', network: 'web', min: 1, max: 1 },
  resources: { cpus: 1, memory: gib },
}

type World = Awaited<ReturnType<typeof hostWorld>>

const pooled = ({ parts: { host } }: World, ...pool: PoolEntry[]): { host: HostConfig } => ({
  host: { ...host, pool },
})

/** The jobs that were in a machine. */
const jobsIn = ({ ran }: FakeMachine) => ran.map(({ name }) => name)

const idle = (machines: readonly FakeMachine[]) =>
  machines.filter((machine) => machine.calls.at(-1) === 'rehearse' && machine.destroyed.length === 0)

describe('a host with a pool', () => {
  it(
    'has no machine waiting while it is cordoned, and has again afterwards',
    async () => {
      const world = await hostWorld({ file: `jobs:\n${job('main')}` })
      const cordons = createCordons({ redis: world.redis.connect(), prefix: 'test' })
      const parts = { ...pooled(world, entry), cordons, self: aSelf({ computer: 'rack', labels: [] }) }
      const { start } = world.startHost('rack-1', { parts })
      await until('the pool to be full', () => idle(start.machines).length === 1, minute)
      const [first] = start.machines
      await cordons.put('rack', { by: 'ann', at: new Date().toISOString() })
      await until('its machine to be gone', () => first?.destroyed.length === 1, minute)
      await sleep(1500)
      expect(start.machines).toEqual([first])
      await cordons.remove('rack')
      await until('the pool to be full again', () => idle(start.machines).length === 1, minute)
    },
    2 * minute,
  )

  it(
    'gives each of its machines to one job, however many hosts and jobs there are at once',
    async () => {
      const names = Array.from({ length: 40 }, (_, index) => `j${index}`)
      const world = await hostWorld({ file: `jobs:\n${names.map((name) => job(name)).join('')}` })
      const machine = { steps: () => ({ prints: [1 + Math.floor(Math.random() * 20)] }) }
      const parts = pooled(world, { ...entry, min: 3, max: 6 })
      const capacity = { cpus: 5, memory: 64 * gib }
      const hosts = ['a', 'b', 'c'].map((name) => world.startHost(name, { machine, parts, capacity }))
      await until(
        'pools to be full',
        () => hosts.every(({ start }) => idle(start.machines).length >= 3),
        minute,
      )
      const { ids } = await world.push()
      const states = async () =>
        Promise.all(names.map(async (name) => (await world.store.jobs.get(ids[name] ?? ''))?.state))
      await until('all to pass', async () => (await states()).every((state) => state === 'passed'), minute)
      const machines = hosts.flatMap(({ start }) => start.machines)
      const used = machines.filter((each) => jobsIn(each).length > 0)
      expect(used.flatMap(jobsIn).sort()).toEqual([...names].sort())
      for (const each of used) expect(jobsIn(each), each.id).toHaveLength(1)
      const owners = used.map(({ preparation }) => preparation?.env.MAYFLY_JOB_ID)
      expect(new Set(owners).size).toBe(names.length)
      const hits = used.filter(({ id }) => id.startsWith('pool-')).length
      expect(hits).toBeGreaterThanOrEqual(9)
      const text = await world.metrics.registry.metrics()
      expect(text).toContain(`mayfly_pool_takes_total{image="debian-12-local",result="hit"} ${hits}`)
      await Promise.all(hosts.map(({ stop }) => stop()))
      for (const each of hosts.flatMap(({ start }) => start.machines))
        expect(each.destroyed.length, each.id).toBeGreaterThanOrEqual(1)
    },
    2 * minute,
  )

  it(
    'gives the room of what waits to a job that needs it, and says to all that it is free',
    async () => {
      const world = await hostWorld({ file: `jobs:\n${job('large', sized(4))}` })
      const { start } = world.startHost('a', {
        machine: { steps: { large: hangs } },
        parts: pooled(world, { ...entry, min: 3, max: 3 }),
        capacity: { cpus: 4, memory: 64 * gib },
      })
      await until('a full pool', () => idle(start.machines).length === 3, minute)
      const waiting = idle(start.machines)
      await until('the host to say what it has', async () => (await world.hosts.list()).length === 1, minute)
      expect((await world.hosts.list())[0]?.cpus).toEqual({ total: 4, taken: 0 })
      const { ids } = await world.push()
      const large = () => start.machines.find((machine) => jobsIn(machine).includes('large'))
      await until('the job to run', () => large() !== undefined, minute)
      expect(waiting.map(({ destroyed }) => destroyed)).toEqual([['now'], ['now'], ['now']])
      expect(start.orders.find(({ id }) => !id.startsWith('pool-'))?.strategyReason).toBe(
        'the pool has machines of another size',
      )
      expect(idle(start.machines)).toEqual([])
      await world.builds.cancel({ job: ids.large ?? '' }, 'ann')
      await until('a full pool again', () => idle(start.machines).length === 3, minute)
    },
    2 * minute,
  )

  it(
    'has the job and a full pool beside it run in the room that there is, and tells how many wait',
    async () => {
      const world = await hostWorld({ file: `jobs:\n${job('small')}` })
      const { start } = world.startHost('a', {
        machine: { steps: { small: hangs } },
        parts: pooled(world, { ...entry, min: 2, max: 2 }),
        capacity: { cpus: 2, memory: 64 * gib },
      })
      await until('a full pool', () => idle(start.machines).length === 2, minute)
      const count = async () => await world.metrics.registry.getSingleMetricAsString('mayfly_pool_machines')
      expect(await count()).toContain('{image="debian-12-local",state="ready"} 2')
      await world.push()
      await until('the job to run', () => start.machines.some((each) => jobsIn(each).length === 1), minute)
      expect(start.machines).toHaveLength(2)
      expect(await count()).toContain('{image="debian-12-local",state="ready"} 1')
      expect(start.orders.every(({ id }) => id.startsWith('pool-'))).toBe(true)
    },
    2 * minute,
  )

  it('does not start with an image in its pool that no catalogue knows', async () => {
    const world = await hostWorld({ file: 'steps: []' })
    const parts = pooled(world, { ...entry, image: 'debian-13-locla' })
    expect(() => world.startHost('a', { parts })).toThrow('unknown image "debian-13-locla"')
  })
})
