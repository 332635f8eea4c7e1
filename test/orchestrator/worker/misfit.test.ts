import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { waitingJobs } from '../../../orchestrator/builds/waiting-jobs.ts'
import { hostCapacities } from '../../../orchestrator/hosts/host-capacities.ts'
import type { HostStatus } from '../../../orchestrator/model/queue-view.ts'
import { leaveToOthers } from '../../../orchestrator/worker/leave-to-others.ts'
import { until } from '../until.ts'
import { aSelf } from './a-self.ts'
import { hostWorld } from './host-world.ts'

const minute = 60_000
const gib = 2 ** 30
const file = 'resources: { cpus: 8, memory: 256MiB }\nsteps:\n  - run: make\n'
const sized = (computer: string, cpus: number, labels: string[] = []) => ({
  parts: { self: aSelf({ computer, labels }) },
  capacity: { cpus, memory: 16 * gib },
})
/** In which a host of a test takes a job that is too big for it several times. */
const longMs = 2500

async function aWorld() {
  const world = await hostWorld({ file })
  Object.assign(world.parts, { hostCapacity: () => hostCapacities(world.hosts) })
  const heardOf = async (name: string) =>
    await until(`${name} is heard of`, async () =>
      (await world.hosts.list()).some((host) => host.name === name),
    )
  return { ...world, heardOf }
}

it(
  'a job that only a host can take which is away waits for it, with its name in the reason, and runs there when it is back',
  async () => {
    const { startHost, heardOf, push, store, parts } = await aWorld()
    const large = startHost('large-1', sized('large', 8))
    await heardOf('large-1')
    await large.stop()
    const small = startHost('small-1', sized('small', 2))
    await heardOf('small-1')
    const { ids } = await push()
    const job = () => store.jobs.get(ids.main ?? '')
    await sleep(longMs)
    expect(await job()).toMatchObject({ state: 'queued', attempt: 1 })
    // While a host looks at it, it is out of the line for a moment.
    let seen: Awaited<ReturnType<typeof waitingJobs>> = []
    await until('it is in line', async () => {
      seen = await waitingJobs(parts, 10)
      return seen.length > 0
    })
    expect(seen).toMatchObject([
      {
        job: ids.main,
        reason: 'no host that is there can take 8 cpus and 256 MiB; large, which is away, could take it',
        estimate: undefined,
      },
    ])
    const back = startHost('large-2', sized('large', 8))
    await until('it passed', async () => (await job())?.state === 'passed', minute)
    expect(await job()).toMatchObject({ host: 'large-2', attempt: 1 })
    expect([small.start.orders, back.start.orders.length]).toEqual([[], 1])
  },
  2 * minute,
)

it(
  'a job that waits for a host which is then removed ends, for nobody who is known could take it',
  async () => {
    const { startHost, heardOf, push, store, hosts } = await aWorld()
    const large = startHost('large-1', sized('large', 8))
    await heardOf('large-1')
    await large.stop()
    startHost('small-1', sized('small', 2))
    await heardOf('small-1')
    const { ids } = await push()
    const job = () => store.jobs.get(ids.main ?? '')
    await sleep(longMs)
    expect(await job()).toMatchObject({ state: 'queued' })
    await hosts.forget('large')
    await until('it ended', async () => (await job())?.state === 'errored', minute)
    expect(await job()).toMatchObject({
      failure: 'config',
      reason: 'no host can ever run it: needs 8 cpus, this host has 2',
    })
  },
  2 * minute,
)

it(
  'a job is left alone by those that are too small while a host is expected that has not said what it has',
  async () => {
    const { startHost, heardOf, push, store, hosts } = await aWorld()
    await hosts.expect('unheard-1')
    startHost('small-1', sized('small', 2))
    await heardOf('small-1')
    const { ids } = await push()
    await sleep(longMs)
    expect(await store.jobs.get(ids.main ?? '')).toMatchObject({ state: 'queued', attempt: 1 })
  },
  2 * minute,
)

describe('leaveToOthers', () => {
  const job = { resources: { cpus: 8, memory: gib, disk: gib }, runsOn: ['gpu'] }
  const status = (name: string, cpus: number, change: Partial<HostStatus> = {}): HostStatus => ({
    ...{
      name,
      computer: name,
      labels: ['gpu'],
      running: [],
      heard: '2026-01-02T03:04:05.000Z',
      stale: false,
    },
    ...{ cpus: { total: cpus, taken: cpus }, memory: { total: 2 * gib, taken: gib } },
    ...change,
  })
  const cordon = { by: 'ann', at: '2026-01-02T03:04:05.000Z' }
  const own = status('own', 2)
  const end = (...others: HostStatus[]) =>
    leaveToOthers(
      { hosts: { list: async () => [own, ...others], known: async () => [] }, hostName: 'own' },
      job,
    )

  it('leaves a job to one that is there, soon where it takes jobs, and later where it is cordoned or expected', async () => {
    expect(await end(status('b', 8))).toBe('put-back')
    expect(await end(status('b', 8, { cordon }), status('c', 8))).toBe('put-back')
    expect(await end(status('b', 8, { cordon }))).toBe('later')
    expect(await end(status('b', 0))).toBe('later')
  })

  it('leaves it to nobody who is too small, has not its labels, or is not known any more', async () => {
    expect(await end()).toBeUndefined()
    expect(await end(status('b', 7), status('c', 8, { labels: ['kvm'] }))).toBeUndefined()
    expect(await end(status('b', 8, { stale: true }))).toBeUndefined()
  })
})
