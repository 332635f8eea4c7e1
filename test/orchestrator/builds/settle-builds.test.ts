import { describe, expect, it } from 'vitest'
import type { Build } from '../../../orchestrator/model/build.ts'
import { aTrigger, type BuildWorld, buildWorld } from './build-world.ts'

const diamond = `
jobs:
  start: { steps: [x] }
  left: { needs: start, steps: [x] }
  right: { needs: start, steps: [x] }
  end: { needs: [left, right], steps: [x] }
`

async function made(
  file: string,
): Promise<{ world: BuildWorld; build: Build; id: (name: string) => string }> {
  const world = await buildWorld({ file })
  const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
  if (build === undefined) throw new Error('expected a build')
  return { world, build, id: (name) => `${build.id}-${name}` }
}

describe('a build on its way', () => {
  it('takes a diamond from its first job to its last', async () => {
    const { world, build, id } = await made(diamond)
    expect(world.line).toEqual([`${id('start')}#1`])
    await world.run(id('start'))
    expect(world.line).toEqual([`${id('left')}#1`, `${id('right')}#1`])
    await world.run(id('right'))
    expect(world.line).toEqual([`${id('left')}#1`])
    await world.run(id('left'))
    expect(world.line).toEqual([`${id('end')}#1`])
    await world.run(id('end'))
    expect(await world.store.builds.get(build.id)).toMatchObject({
      state: 'passed',
      started: expect.any(String),
      ended: expect.any(String),
    })
    expect(world.statusesOf('mayfly')).toEqual(['pending', 'running', 'passed'])
    expect(world.statusesOf('mayfly/end')).toEqual(['pending', 'running', 'passed'])
    expect(world.statuses.at(-1)?.description).toMatch(/^4 passed in /)
  })

  it('queues the end of a diamond once when both sides end at the same moment', async () => {
    const { world, build, id } = await made(diamond)
    await world.run(id('start'))
    const [left, right] = [await world.start(id('left')), await world.start(id('right'))]
    await Promise.all([world.end(left, { verdict: 'passed' }), world.end(right, { verdict: 'passed' })])
    expect(world.lined.filter((entry) => entry.includes('-end#'))).toHaveLength(1)
    expect(await world.states(build)).toMatchObject({ end: 'queued' })
  })

  it('skips what depends on a failed job and says why on each', async () => {
    const { world, build, id } = await made(diamond)
    await world.run(id('start'))
    const left = await world.start(id('left'))
    await world.end(left, { verdict: 'failed', reason: 'step "x" exited with 1' })
    expect(await world.states(build)).toEqual({
      start: 'passed',
      left: 'failed',
      right: 'queued',
      end: 'skipped',
    })
    expect((await world.jobs(build)).end?.reason).toBe('needs left, which failed')
    await world.run(id('right'))
    expect((await world.store.builds.get(build.id))?.state).toBe('failed')
    expect(world.statusesOf('mayfly/end')).toEqual(['pending', 'cancelled'])
    expect(world.statuses.at(-1)).toMatchObject({
      context: 'mayfly',
      state: 'failed',
      description: 'left failed: step "x" exited with 1',
    })
  })

  it('gives a job whose machine failed another attempt, and its dependents wait for that one', async () => {
    const { world, build, id } = await made(diamond)
    await world.end(await world.start(id('start')), { verdict: 'errored', failure: 'machine-died' })
    expect((await world.jobs(build)).start).toMatchObject({
      state: 'queued',
      attempt: 2,
      failure: undefined,
      host: undefined,
    })
    expect(await world.states(build)).toMatchObject({ left: 'blocked', end: 'blocked' })
    expect(world.statusesOf('mayfly/start')).toEqual(['pending', 'running', 'pending'])
    await world.run(id('start'))
    expect(await world.states(build)).toMatchObject({ start: 'passed', left: 'queued' })
  })

  it('ends a job that fails our way each time after its bound of attempts', async () => {
    const { world, build, id } = await made('retry: { max: 2 }\nsteps: [x]')
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await world.end(await world.start(id('main')), {
        verdict: 'errored',
        failure: 'boot',
        reason: 'no boot',
      })
    }
    expect(world.lined).toEqual([1, 2, 3].map((attempt) => `${id('main')}#${attempt}`))
    expect((await world.jobs(build)).main).toMatchObject({ state: 'errored', attempt: 3 })
    expect(world.statuses.at(-1)).toMatchObject({
      state: 'errored',
      description: 'errored: boot: no boot (attempt 3)',
    })
  })

  it('never retries a failed step', async () => {
    const { world, id } = await made('retry: { max: 5 }\nsteps: [x]')
    await world.run(id('main'), 'failed')
    expect(world.line).toEqual([])
  })

  it('does not mind hearing of an end twice', async () => {
    const { world, build, id } = await made(diamond)
    await world.run(id('start'))
    const ended = (await world.jobs(build)).start
    if (ended !== undefined) await world.builds.jobEnded(ended)
    expect(world.lined).toEqual(['start', 'left', 'right'].map((name) => `${id(name)}#1`))
  })

  it('does not believe a host that lost its claim', async () => {
    const { world, build, id } = await made('steps: [x]')
    const old = await world.start(id('main'))
    await world.store.jobs.change(old.id, ['running'], { state: 'queued' })
    await world.store.jobs.claim(old.id, 'host-b')
    await world.builds.jobStarted(old)
    expect(await world.states(build)).toEqual({ main: 'claimed' })
    await world.end(old, { verdict: 'passed' })
    expect(await world.states(build)).toEqual({ main: 'claimed' })
  })

  it('publishes each change of a job and of its build', async () => {
    const { world, build, id } = await made('steps: [x]')
    world.bus.length = 0
    const job = await world.start(id('main'))
    expect(world.bus).toContainEqual({ type: 'job', id: job.id, build: build.id })
    expect(world.bus).toContainEqual({ type: 'build', id: build.id })
  })
})
