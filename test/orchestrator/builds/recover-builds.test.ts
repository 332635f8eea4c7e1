import { describe, expect, it } from 'vitest'
import { createBuildService } from '../../../orchestrator/builds/build-service.ts'
import { aTrigger, buildWorld } from './build-world.ts'

const chain = 'jobs:\n  a: { steps: [x] }\n  b: { needs: a, steps: [x] }'

/** Gives a service that dies at its n-th write: from then on nothing it does has an effect. */
async function dieAt(steps: number) {
  const world = await buildWorld({ file: chain })
  let left = steps
  const dies = <Args extends unknown[], Result>(work: (...args: Args) => Promise<Result>) => {
    return (...args: Args): Promise<Result> => {
      left -= 1
      return left < 0 ? Promise.reject(new Error('killed')) : work(...args)
    }
  }
  const { store, queue, outbox } = world.parts
  const dying = createBuildService({
    ...world.parts,
    store: {
      ...store,
      builds: { ...store.builds, add: dies(store.builds.add), update: dies(store.builds.update) },
      jobs: { ...store.jobs, change: dies(store.jobs.change) },
    },
    queue: { ...queue, add: dies(queue.add) },
    outbox: { ...outbox, post: dies(outbox.post) },
  })
  return { world, dying, isDead: () => left < 0 }
}

describe('recover', () => {
  it('brings a build to its end wherever the process that made it was killed', async () => {
    let survived = false
    for (let steps = 1; !survived; steps += 1) {
      expect(steps).toBeLessThan(50)
      const { world, dying, isDead } = await dieAt(steps)
      const request = {
        repository: world.repository,
        trigger: aTrigger(),
        delivery: '01jgqxk8d5aaaaaaaaaaaaaaaa',
      }
      await dying.create(request).catch(() => undefined)
      survived = !isDead()
      await world.builds.recover()
      // The delivery is worked on again, as it has no verdict yet.
      const { build } = await world.builds.create(request)
      await world.run(`${build?.id}-a`)
      await world.run(`${build?.id}-b`)
      expect((await world.store.builds.get(build?.id ?? ''))?.state).toBe('passed')
      expect(world.lined).toEqual([`${build?.id}-a#1`, `${build?.id}-b#1`])
      for (const context of ['mayfly', 'mayfly/a', 'mayfly/b']) {
        expect(world.statusesOf(context)[0]).toBe('pending')
        expect(world.statusesOf(context).at(-1)).toBe('passed')
      }
    }
  })

  it('tells every verdict wherever the process that heard of the last end was killed', async () => {
    let survived = false
    for (let steps = 1; !survived; steps += 1) {
      expect(steps).toBeLessThan(50)
      const { world, dying, isDead } = await dieAt(steps)
      const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
      const job = await world.start(`${build?.id}-a`)
      const ended = await world.store.jobs.change(job.id, ['running'], { state: 'failed' }, job.claim)
      if (ended !== undefined) await dying.jobEnded(ended).catch(() => undefined)
      survived = !isDead()
      await world.builds.recover()
      expect(await world.states(build)).toEqual({ a: 'failed', b: 'skipped' })
      expect((await world.store.builds.get(build?.id ?? ''))?.state).toBe('failed')
      expect(world.statusesOf('mayfly').at(-1)).toBe('failed')
      expect(world.statusesOf('mayfly/a').at(-1)).toBe('failed')
      expect(world.statusesOf('mayfly/b').at(-1)).toBe('cancelled')
    }
  })

  it('makes the next attempt of a job whose end nobody told', async () => {
    const world = await buildWorld({ file: chain })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    const job = await world.start(`${build?.id}-a`)
    await world.store.jobs.change(job.id, ['running'], { state: 'errored', failure: 'host-lost' }, job.claim)
    await world.builds.recover()
    expect(world.line).toEqual([`${job.id}#2`])
  })

  it('changes nothing where nothing was left', async () => {
    const world = await buildWorld({ file: chain })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    const before = [await world.jobs(build), [...world.statuses], [...world.line]]
    await world.builds.recover()
    expect([await world.jobs(build), world.statuses, world.line]).toEqual(before)
  })
})
