import { expect, it } from 'vitest'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import { endOverdue } from '../../../orchestrator/builds/end-overdue.ts'
import { createWaitTimes } from '../../../orchestrator/builds/wait-times.ts'
import { aTrigger, buildWorld } from './build-world.ts'

const hour = 3_600_000
const day = 24 * hour
const file = 'jobs:\n  one:\n    steps: [make]\n  two:\n    needs: one\n    steps: [make]\n'

async function aWaitingBuild() {
  const { limits } = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
  const world = await buildWorld({ file, host: { limits: { ...limits, buildAge: 2 * hour } } })
  const reached: string[] = []
  const parts = { ...world.parts, onLimit: (limit: string) => void reached.push(limit) }
  const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
  let wall = Date.parse((await world.store.jobs.get(build?.jobs[0] ?? ''))?.queued ?? '')
  let steady = 0
  const times = createWaitTimes({ now: () => new Date(wall), monotonic: () => steady })
  return {
    ...{ world, build, reached },
    look: () => endOverdue(parts, times),
    pass: (ms: number) => {
      wall += ms
      steady += ms
    },
    setClock: (ms: number) => {
      wall += ms
    },
  }
}

it('a job that waited for longer than the host allows ends as errored, names the limit and leaves the line', async () => {
  const { world, build, reached, look, pass } = await aWaitingBuild()
  await look()
  pass(2 * hour)
  await look()
  expect(await world.states(build)).toEqual({ one: 'queued', two: 'blocked' })
  pass(1)
  await look()
  expect(await world.states(build)).toEqual({ one: 'errored', two: 'skipped' })
  const { one } = await world.jobs(build)
  expect(one).toMatchObject({ failure: 'config', attempt: 1, reason: expect.stringContaining('2 h 00 m') })
  expect(one?.hint).toContain('limits.build_age')
  expect(world.line).toEqual([])
  expect(reached).toEqual(['limits.build_age'])
  expect((await world.store.builds.get(build?.id ?? ''))?.state).toBe('errored')
})

it.each([day, -day])(
  'a wall clock that is set by %i ms makes no job overdue, nor keeps one from it',
  async (jump) => {
    const { world, build, look, pass, setClock } = await aWaitingBuild()
    await look()
    setClock(jump)
    await look()
    expect(await world.states(build)).toMatchObject({ one: 'queued' })
    pass(2 * hour + 1)
    await look()
    expect(await world.states(build)).toMatchObject({ one: 'errored' })
  },
)

it('what waited before this process began counts, and each attempt anew', () => {
  const now = () => new Date('2026-01-02T10:00:00.000Z')
  let steady = 5 * day
  const times = createWaitTimes({ now, monotonic: () => steady })
  const job = { id: 'a', attempt: 1, queued: '2026-01-02T09:00:00.000Z' }
  expect(times.beyond(hour, [job])).toEqual([])
  steady += 1
  expect(times.beyond(hour, [job])).toEqual([job])
  expect(times.beyond(hour, [{ ...job, attempt: 2, queued: now().toISOString() }])).toEqual([])
})
