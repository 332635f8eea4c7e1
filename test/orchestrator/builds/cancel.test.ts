import { describe, expect, it } from 'vitest'
import { aPullRequest, aTrigger, buildWorld } from './build-world.ts'

const chain = 'jobs:\n  a: { steps: [x] }\n  b: { needs: a, steps: [x] }\n  c: { steps: [x] }'

async function made() {
  const world = await buildWorld({ file: chain })
  const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
  return { world, build, id: build?.id ?? '' }
}

describe('cancel', () => {
  it('takes a queued job out of line and skips what needs it', async () => {
    const { world, build, id } = await made()
    expect(await world.builds.cancel({ job: `${id}-a` }, 'ann')).toBe(true)
    expect(world.line).toEqual([`${id}-c#1`])
    expect(await world.states(build)).toEqual({ a: 'cancelled', b: 'skipped', c: 'queued' })
    expect((await world.jobs(build)).a?.reason).toBe('cancelled by ann')
    expect(world.statusesOf('mayfly/a')).toEqual(['pending', 'cancelled'])
  })

  it('ends a blocked job without touching those that it waits for', async () => {
    const { world, build, id } = await made()
    expect(await world.builds.cancel({ job: `${id}-b` }, 'ann')).toBe(true)
    expect(await world.states(build)).toEqual({ a: 'queued', b: 'cancelled', c: 'queued' })
  })

  it.each(['claimed', 'running'] as const)('asks the host of a %s job to end it', async (state) => {
    const { world, build, id } = await made()
    const job =
      state === 'running' ? await world.start(`${id}-a`) : await world.store.jobs.claim(`${id}-a`, 'host-a')
    expect(await world.builds.cancel({ job: `${id}-a` }, 'ann')).toBe(true)
    expect((await world.jobs(build)).a).toMatchObject({ state, cancelRequested: 'ann' })
    expect(world.bus).toContainEqual({ type: 'cancel', job: `${id}-a`, by: 'ann' })
    if (job !== undefined) await world.end(job, { verdict: 'cancelled', reason: 'cancelled by ann' })
    expect(await world.states(build)).toMatchObject({ a: 'cancelled', b: 'skipped' })
  })

  it('does not run a cancelled job again because its host was lost on the way', async () => {
    const { world, build, id } = await made()
    const job = await world.start(`${id}-a`)
    await world.builds.cancel({ job: job.id }, 'ann')
    await world.end(job, { verdict: 'errored', failure: 'host-lost' })
    expect(await world.states(build)).toMatchObject({ a: 'errored', b: 'skipped' })
  })

  it('ends a whole build: what waits at once, what runs by asking', async () => {
    const { world, build, id } = await made()
    const job = await world.start(`${id}-a`)
    expect(await world.builds.cancel({ build: id }, 'ann')).toBe(true)
    expect(await world.states(build)).toEqual({ a: 'running', b: 'cancelled', c: 'cancelled' })
    expect(world.line).toEqual([])
    await world.end(job, { verdict: 'cancelled' })
    expect((await world.store.builds.get(id))?.state).toBe('cancelled')
    expect(world.statusesOf('mayfly')).toEqual(['pending', 'running', 'cancelled'])
  })

  it('ends a build that waits for approval', async () => {
    const world = await buildWorld()
    world.files.set(`${'c'.repeat(40)}:.mayfly.yml`, chain)
    const { build } = await world.builds.create({
      repository: world.repository,
      trigger: aPullRequest({ fork: true }),
    })
    expect(await world.builds.cancel({ build: build?.id ?? '' }, 'ann')).toBe(true)
    expect((await world.store.builds.get(build?.id ?? ''))?.state).toBe('cancelled')
    expect(await world.builds.approve(build?.id ?? '', 'ann')).toBeUndefined()
  })

  it('is false for what has ended and for what there is not', async () => {
    const { world, id } = await made()
    await world.builds.cancel({ build: id }, 'ann')
    expect(await world.builds.cancel({ build: id }, 'ann')).toBe(false)
    expect(await world.builds.cancel({ job: `${id}-a` }, 'ann')).toBe(false)
    expect(await world.builds.cancel({ build: 'gone' }, 'ann')).toBe(false)
    expect(await world.builds.cancel({ job: 'gone' }, 'ann')).toBe(false)
  })

  it('wins or loses cleanly against a host that takes the job at the same moment', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { world, build, id } = await made()
      const wait = async (ticks: number) => {
        for (let tick = 0; tick < ticks; tick += 1) await Promise.resolve()
      }
      const [, claimed] = await Promise.all([
        world.builds.cancel({ job: `${id}-a` }, 'ann'),
        wait(round).then(() => world.store.jobs.claim(`${id}-a`, 'host-a')),
      ])
      const { a } = await world.jobs(build)
      if (claimed === undefined) expect(a?.state).toBe('cancelled')
      else expect(a).toMatchObject({ state: 'claimed', cancelRequested: 'ann' })
    }
  })
})

describe('supersede', () => {
  it('cancels the builds of a closed pull request and no others', async () => {
    const world = await buildWorld({ file: chain })
    const { repository } = world
    const { build: pull } = await world.builds.create({ repository, trigger: aPullRequest() })
    const { build: other } = await world.builds.create({ repository, trigger: aPullRequest({ number: 8 }) })
    const { build: push } = await world.builds.create({ repository, trigger: aTrigger() })
    const match = { repository: 'gitea:mayfly/hello', pullRequest: 7 }
    expect(await world.builds.supersede(match, 'pull request 7 was closed')).toBe(1)
    expect(await world.states(pull)).toEqual({ a: 'cancelled', b: 'cancelled', c: 'cancelled' })
    expect(await world.states(other)).toMatchObject({ a: 'queued' })
    expect(await world.states(push)).toMatchObject({ a: 'queued' })
    expect(await world.builds.supersede(match, 'again')).toBe(0)
  })

  it('cancels the pushes of a branch that is gone, but no pull request to it', async () => {
    const world = await buildWorld({ file: chain })
    const { repository } = world
    const { build: push } = await world.builds.create({ repository, trigger: aTrigger() })
    const { build: pull } = await world.builds.create({ repository, trigger: aPullRequest() })
    expect(await world.builds.supersede({ repository: 'gitea:mayfly/hello', branch: 'main' }, 'gone')).toBe(1)
    expect(await world.states(push)).toMatchObject({ a: 'cancelled' })
    expect(await world.states(pull)).toMatchObject({ a: 'queued' })
  })

  it('cancels the jobs of a concurrency group only', async () => {
    const world = await buildWorld({
      file: 'jobs:\n  a: { concurrency: { group: g }, steps: [x] }\n  b: { steps: [x] }',
    })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(await world.builds.supersede({ repository: 'gitea:mayfly/hello', group: 'g' }, 'ann')).toBe(1)
    expect(await world.states(build)).toEqual({ a: 'cancelled', b: 'queued' })
  })
})
