import { describe, expect, it } from 'vitest'
import { aPullRequest, aTrigger, buildWorld } from './build-world.ts'

const file = `
jobs:
  lint: { steps: [x] }
  test: { steps: [x] }
  deploy: { needs: [lint, test], steps: [x] }
  release: { when: { event: tag }, steps: [x] }
`

async function failed() {
  const world = await buildWorld({ file })
  const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
  const id = build?.id ?? ''
  await world.run(`${id}-lint`)
  await world.run(`${id}-test`, 'failed')
  return { world, build, id }
}

async function fork() {
  const world = await buildWorld()
  world.files.set(`${'c'.repeat(40)}:.mayfly.yml`, 'steps: [x]')
  const create = async (sha = 'a'.repeat(40)) => {
    const trigger = { ...aPullRequest({ fork: true }), sha }
    return (await world.builds.create({ repository: world.repository, trigger })).build
  }
  return { world, create }
}

describe('retry', () => {
  it('runs what failed again, with what was skipped for it, as new attempts', async () => {
    const { world, build, id } = await failed()
    expect((await world.store.builds.get(id))?.state).toBe('failed')
    expect(await world.builds.retry(id, 'failed', 'ann')).toMatchObject({ id, ended: undefined })
    expect(await world.jobs(build)).toMatchObject({
      lint: { state: 'passed', attempt: 1 },
      test: { state: 'queued', attempt: 2, reason: undefined, ended: undefined },
      deploy: { state: 'blocked', attempt: 2 },
      release: { state: 'skipped', attempt: 1 },
    })
    await world.run(`${id}-test`)
    await world.run(`${id}-deploy`)
    expect((await world.store.builds.get(id))?.state).toBe('passed')
    expect(world.statusesOf('mayfly').at(-1)).toBe('passed')
    expect(world.statusesOf('mayfly/test')).toEqual([
      'pending',
      'running',
      'failed',
      'pending',
      'running',
      'passed',
    ])
  })

  it('runs all again but what its conditions ruled out', async () => {
    const { world, build, id } = await failed()
    await world.builds.retry(id, 'all', 'ann')
    expect(await world.states(build)).toEqual({
      lint: 'queued',
      test: 'queued',
      deploy: 'blocked',
      release: 'skipped',
    })
  })

  it('makes one attempt of two wishes at once', async () => {
    const { world, build, id } = await failed()
    await Promise.all([world.builds.retry(id, 'failed', 'ann'), world.builds.retry(id, 'failed', 'bob')])
    expect((await world.jobs(build)).test).toMatchObject({ state: 'queued', attempt: 2 })
    expect(world.lined.filter((entry) => entry.startsWith(`${id}-test#`))).toEqual([
      `${id}-test#1`,
      `${id}-test#2`,
    ])
  })

  it('refuses to run all of a build again that still runs', async () => {
    const { world, id } = await failed()
    await world.builds.retry(id, 'failed', 'ann')
    await expect(world.builds.retry(id, 'all', 'ann')).rejects.toThrow('expected a build that has ended')
  })

  it('plans a build anew that could not be planned', async () => {
    const world = await buildWorld({ file: 'stepz: []' })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    world.files.set(`${'a'.repeat(40)}:.mayfly.yml`, 'steps: [x]')
    const again = await world.builds.retry(build?.id ?? '', 'failed', 'ann')
    expect(again).toMatchObject({ state: 'queued', problem: undefined })
    expect(again?.id).not.toBe(build?.id)
  })

  it('knows no build that there is not', async () => {
    const { world } = await failed()
    expect(await world.builds.retry('gone', 'all', 'ann')).toBeUndefined()
  })

  it('does not let a fork run that nobody approved', async () => {
    const { world, create } = await fork()
    const build = await create()
    await world.builds.cancel({ build: build?.id ?? '' }, 'ann')
    expect((await world.builds.retry(build?.id ?? '', 'all', 'mallory'))?.state).toBe('waiting')
    expect(world.line).toEqual([])
  })
})

describe('approve', () => {
  it('sets a fork going, for the commit that was looked at, and says by whom', async () => {
    const { world, create } = await fork()
    const build = await create()
    const approved = await world.builds.approve(build?.id ?? '', 'ann')
    expect(approved).toMatchObject({ state: 'queued', approval: { by: 'ann', sha: 'a'.repeat(40) } })
    expect(world.line).toEqual([`${build?.id}-main#1`])
    expect(await world.builds.approve(build?.id ?? '', 'bob')).toMatchObject({ approval: { by: 'ann' } })
    await world.run(`${build?.id}-main`)
    expect(world.statusesOf('mayfly-pr')).toEqual(['pending', 'pending', 'running', 'passed'])
  })

  it('asks anew for each new commit, and no longer for the old one', async () => {
    const { world, create } = await fork()
    const old = await create()
    const newer = await create('e'.repeat(40))
    expect(newer?.state).toBe('waiting')
    expect((await world.store.builds.get(old?.id ?? ''))?.state).toBe('cancelled')
    await world.builds.approve(newer?.id ?? '', 'ann')
    expect((await create('f'.repeat(40)))?.state).toBe('waiting')
  })

  it('holds for the same commit when the pull request is opened again', async () => {
    const { world, create } = await fork()
    await world.builds.approve((await create())?.id ?? '', 'ann')
    expect(await create()).toMatchObject({ state: 'queued', approval: { by: 'ann' } })
  })

  it('leaves a build alone that needs none', async () => {
    const { world, id } = await failed()
    expect(await world.builds.approve(id, 'ann')).toBeUndefined()
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    expect(await world.builds.approve(build?.id ?? '', 'ann')).toMatchObject({ approval: undefined })
    expect(await world.builds.approve('gone', 'ann')).toBeUndefined()
  })
})

describe('a retry of one job', () => {
  const wish = { by: 'ann', at: '2026-01-02T03:04:05.000Z' }

  it('runs it again with what was skipped for it, and remembers who wants to look into it', async () => {
    const { world, build, id } = await failed()
    await world.builds.retryJob(`${id}-test`, 'ann', wish)
    expect(await world.jobs(build)).toMatchObject({
      lint: { state: 'passed', attempt: 1 },
      test: { state: 'queued', attempt: 2, debug: wish },
      deploy: { state: 'blocked', attempt: 2 },
      release: { state: 'skipped', attempt: 1 },
    })
    expect((await world.jobs(build)).deploy?.debug).toBe(undefined)
    await world.run(`${id}-test`, 'failed')
    await world.builds.retryJob(`${id}-test`, 'ann', undefined)
    expect((await world.jobs(build)).test?.debug).toBe(undefined)
    await world.run(`${id}-test`)
    await world.builds.retryJob(`${id}-lint`, 'ann', undefined)
    expect(await world.jobs(build)).toMatchObject({
      lint: { attempt: 2 },
      test: { attempt: 3 },
      deploy: { attempt: 3 },
    })
  })

  it('is refused of one that has not ended, and is none where there is no such job', async () => {
    const { world, id } = await failed()
    await world.builds.retryJob(`${id}-test`, 'ann', undefined)
    await expect(world.builds.retryJob(`${id}-test`, 'ann', undefined)).rejects.toThrow('which is queued')
    await expect(world.builds.retryJob(`${id}-release`, 'ann', undefined)).rejects.toThrow(
      'which is not to run',
    )
    expect(await world.builds.retryJob(`${id}-nobody`, 'ann', undefined)).toBe(undefined)
  })

  it("is refused of a fork's code that is to be debugged, approved or not", async () => {
    const { world, create } = await fork()
    const build = await create()
    const job = build?.jobs[0] ?? ''
    await world.builds.approve(build?.id ?? '', 'ann')
    await world.run(job, 'failed')
    await expect(world.builds.retryJob(job, 'ann', wish)).rejects.toThrow('which is code from a fork')
    expect(await world.builds.retryJob(job, 'ann', undefined)).toMatchObject({ id: build?.id })
  })
})
