import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { knownLabels } from '../../../orchestrator/hosts/known-labels.ts'
import { until } from '../until.ts'
import { aSelf } from './a-self.ts'
import { hostWorld } from './host-world.ts'

const minute = 60_000
const file = 'runs_on: [gpu, kvm]\nresources: { cpus: 1, memory: 256MiB }\nsteps:\n  - run: make\n'
const withLabels = (computer: string, labels: string[]) => ({ parts: { self: aSelf({ computer, labels }) } })

it(
  'a job runs on a host that has all its labels and on no other, and waits until one is there',
  async () => {
    const world = await hostWorld({ file })
    Object.assign(world.parts, { knownLabels: async () => [['gpu', 'kvm']] })
    const plain = world.startHost('plain-1', withLabels('plain', ['kvm', 'x86_64']))
    const { ids } = await world.push()
    const job = () => world.store.jobs.get(ids.main ?? '')
    expect(await job()).toMatchObject({ runsOn: ['gpu', 'kvm'] })
    // Longer than a job takes to be taken otherwise.
    await sleep(2500)
    expect(await job()).toMatchObject({ state: 'queued' })
    const able = world.startHost('able-1', withLabels('able', ['gpu', 'kvm', 'x86_64']))
    await until('it passed', async () => (await job())?.state === 'passed', minute)
    expect(await job()).toMatchObject({ host: 'able-1', attempt: 1 })
    expect(plain.start.orders).toEqual([])
    expect(able.start.orders).toHaveLength(1)
  },
  2 * minute,
)

it('labels stay known when their host has left in good order', async () => {
  const world = await hostWorld({ file })
  const { stop } = world.startHost('able-1', withLabels('able', ['gpu']))
  await until('it is heard of', async () => (await world.hosts.list()).length === 1)
  await stop()
  expect(await world.hosts.list()).toEqual([])
  expect(await knownLabels(world.hosts)).toEqual([['gpu']])
})
