import { describe, expect, it } from 'vitest'
import type { Build } from '../../../orchestrator/model/build.ts'
import { aPullRequest, aTrigger, type BuildWorld, buildWorld } from './build-world.ts'

const waits = `concurrency: { group: "deploy-\${branch}" }\nsteps: [x]`
const cancels = `concurrency: { group: "deploy-\${branch}", cancel: true }\nsteps: [x]`

async function push(world: BuildWorld, branch = 'main'): Promise<Build> {
  const trigger = aTrigger({ branch, ref: `refs/heads/${branch}` })
  const { build } = await world.builds.create({ repository: world.repository, trigger })
  if (build === undefined) throw new Error('expected a build')
  // ULIDs of one millisecond are in no order, and pushes are never that close.
  await new Promise((resolve) => setTimeout(resolve, 2))
  return build
}

const main = (build: Build) => `${build.id}-main`

describe('a concurrency group', () => {
  it('runs its jobs one after the other, in the order of their builds, and says what each waits for', async () => {
    const world = await buildWorld({ file: waits })
    const [first, second, third] = [await push(world), await push(world), await push(world)]
    expect(world.line).toEqual([`${main(first)}#1`])
    expect((await world.jobs(second)).main).toMatchObject({
      state: 'blocked',
      waiting: `waits for ${main(first)}, which holds the concurrency group deploy-main`,
    })
    await world.run(main(first), 'failed')
    expect(world.line).toEqual([`${main(second)}#1`])
    expect(await world.states(third)).toEqual({ main: 'blocked' })
    await world.run(main(second))
    expect(world.line).toEqual([`${main(third)}#1`])
  })

  it('is no bar between branches, nor between a branch and a pull request from it', async () => {
    const world = await buildWorld({ file: waits })
    await push(world, 'main')
    await push(world, 'other')
    await world.builds.create({
      repository: world.repository,
      trigger: aPullRequest({ sourceBranch: 'main' }),
    })
    expect(world.line).toHaveLength(3)
  })

  it('passes on when the one in line that holds it is cancelled', async () => {
    const world = await buildWorld({ file: waits })
    const [first, second] = [await push(world), await push(world)]
    await world.builds.cancel({ build: first.id }, 'ann')
    expect(world.line).toEqual([`${main(second)}#1`])
  })

  it('cancels a superseded job that waits, and the newest takes its place at once', async () => {
    const world = await buildWorld({ file: cancels })
    const [first, second] = [await push(world), await push(world)]
    expect((await world.jobs(first)).main).toMatchObject({
      state: 'cancelled',
      reason: `cancelled by build ${second.id}, which is newer`,
    })
    expect((await world.store.builds.get(first.id))?.state).toBe('cancelled')
    expect(world.line).toEqual([`${main(second)}#1`])
  })

  it('asks a superseded job that runs to end, and only the newest that waits runs after it', async () => {
    const world = await buildWorld({ file: cancels })
    const first = await push(world)
    const running = await world.start(main(first))
    const second = await push(world)
    expect(world.bus).toContainEqual(expect.objectContaining({ type: 'cancel', job: main(first) }))
    const third = await push(world)
    expect(world.line).toEqual([])
    await world.end(running, { verdict: 'cancelled' })
    expect(world.line).toEqual([`${main(third)}#1`])
    expect(await world.states(second)).toEqual({ main: 'cancelled' })
    expect(world.lined).not.toContain(`${main(second)}#1`)
  })

  it('is kept through the attempts of one job', async () => {
    const world = await buildWorld({ file: waits })
    const [first, second] = [await push(world), await push(world)]
    await world.end(await world.start(main(first)), { verdict: 'errored', failure: 'boot' })
    const states = { first: await world.states(first), second: await world.states(second) }
    // Whichever of the two goes next, never both.
    expect(world.line).toHaveLength(1)
    expect(
      Object.values(states)
        .map(({ main }) => main)
        .sort(),
    ).toEqual(['blocked', 'queued'])
  })

  it('is taken over from a job that ended while nobody told', async () => {
    const world = await buildWorld({ file: waits })
    const [first, second] = [await push(world), await push(world)]
    const job = await world.start(main(first))
    await world.store.jobs.change(job.id, ['running'], { state: 'passed' }, job.claim)
    await world.builds.recover()
    expect(world.line).toEqual([`${main(second)}#1`])
    expect((await world.store.builds.get(first.id))?.state).toBe('passed')
  })

  it('lets the variants of a matrix run one after the other', async () => {
    const world = await buildWorld({ file: `matrix: { n: [1, 2, 3] }\n${cancels}` })
    const build = await push(world)
    expect(world.line).toHaveLength(1)
    for (const n of [1, 2, 3]) await world.run(`${build.id}-main-${n}`)
    expect((await world.store.builds.get(build.id))?.state).toBe('passed')
  })
})
