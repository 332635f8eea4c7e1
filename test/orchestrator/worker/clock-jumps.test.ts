import { afterEach, expect, it, vi } from 'vitest'
import type { FakeStartOptions } from '../../fake-start.ts'
import { until } from '../until.ts'
import { hostWorld } from './host-world.ts'

const day = 86_400_000
const hang: FakeStartOptions = { steps: () => ({ prints: ['begun\n'], instead: 'hang' }) }

/** Sets the wall clock of this process; whatever counts time by it sees a jump. Timers stay as they are. */
function setClock(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
}

afterEach(() => void vi.useRealTimers())

it.each([
  ['a job', 'timeout: 3s\nsteps:\n  - run: make\n'],
  ['a step', 'timeout: 1h\nsteps:\n  - { run: make, timeout: 3s }\n'],
])('a wall clock that is set back a day ends %s no later than its timeout says', async (_which, file) => {
  const world = await hostWorld({ file: `resources: { cpus: 1, memory: 256MiB }\n${file}` })
  const { start } = world.startHost('a', { machine: hang })
  const { ids } = await world.push()
  await until('the step runs', () => start.machines[0]?.ran.length === 1)
  const began = performance.now()
  setClock(-day)
  const job = () => world.store.jobs.get(ids.main ?? '')
  await expect.poll(async () => (await job())?.state, { timeout: 60_000 }).toBe('timed-out')
  expect(performance.now() - began).toBeGreaterThan(2000)
})

it('a wall clock that is set ahead a day ends no job and no step early', async () => {
  const file = 'resources: { cpus: 1, memory: 256MiB }\ntimeout: 1h\nsteps:\n  - { run: make, timeout: 1h }\n'
  const world = await hostWorld({ file })
  const machine: FakeStartOptions = { steps: () => ({ prints: ['begun\n', 8000, 'made it\n'] }) }
  const { start } = world.startHost('a', { machine })
  const { ids } = await world.push()
  await until('the step runs', () => start.machines[0]?.ran.length === 1)
  setClock(day)
  const job = () => world.store.jobs.get(ids.main ?? '')
  await expect.poll(async () => (await job())?.ended, { timeout: 60_000 }).toBeDefined()
  expect(await job()).toMatchObject({ state: 'passed', attempt: 1, claim: 1 })
  expect(start.orders).toHaveLength(1)
})
