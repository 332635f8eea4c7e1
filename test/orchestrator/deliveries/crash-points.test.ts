import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBuildService } from '../../../orchestrator/builds/build-service.ts'
import { processDelivery } from '../../../orchestrator/deliveries/process-delivery.ts'
import { createWholeSha } from '../../../orchestrator/deliveries/whole-sha.ts'
import { createJobQueue } from '../../../orchestrator/queue/job-queue.ts'
import { buildWorld } from '../builds/build-world.ts'
import { fixture } from '../forges/fixture.ts'
import { type RealRedis, startRedis } from '../real-redis.ts'
import { deliveryParts, log, signed } from './delivery-parts.ts'

let redis: RealRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.stop())

const sha = 'bffeb74224043ba2feb48d137756c8a9331c449a'
const job = (name: string, more = '') => `  ${name}:\n${more}    steps: [make]\n`
const file = `jobs:\n${job('lint')}${job('test', '    matrix: { node: ["18", "20"] }\n')}${job('deploy', '    needs: [test]\n')}`
const contexts = 4

class Crash extends Error {}

/** Every call of these parts that changes something counts, and the one after so many dies, before or after it did. */
function crashing(point: number, when: 'before' | 'after') {
  let calls = 0
  let dead = false
  const wrap = <T extends object>(part: T): T =>
    new Proxy(part, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value === 'object' && value !== null) return wrap(value)
        if (typeof value !== 'function') return value
        return async (...args: unknown[]) => {
          if (dead) throw new Crash('a dead process does nothing')
          const isThis = calls++ === point
          if (isThis) dead = true
          if (isThis && when === 'before') throw new Crash('killed')
          const answer: unknown = await Reflect.apply(value, target, args)
          if (dead) throw new Crash('killed')
          return answer
        }
      },
    })
  return { wrap, calls: () => calls, died: () => dead }
}

/** A push that was accepted, and the processes that may work on it. */
async function accepted() {
  const parts = await deliveryParts(redis)
  const { store, forges, vault, prefix } = parts
  const queue = createJobQueue({ connection: parts.connection, prefix })
  const world = await buildWorld({ store, queue, repository: { name: 'gitea/webhooks' } })
  world.files.set(`${sha}:.mayfly.yml`, file)
  const { delivery } = await parts.receive(signed(fixture('gitea-push')))
  const id = delivery?.id ?? ''
  const wholeSha = createWholeSha({ forges, vault, now: () => new Date() })
  const work = async (wrap: <T extends object>(part: T) => T) => {
    const outbox = wrap(world.parts.outbox)
    const bus = wrap(world.parts.bus)
    const mine = { ...world.parts, store: wrap(store), queue: wrap(queue), outbox, bus }
    const builds = createBuildService(mine)
    await processDelivery({ id, store: mine.store, builds, forges, wholeSha, now: () => new Date(), log })
  }
  return { ...world, store, queue, id, work, close: () => queue.close() }
}

type World = Awaited<ReturnType<typeof accepted>>

async function expectOneCompleteBuild({ store, queue, statuses, id }: World): Promise<void> {
  const { items } = await store.builds.list({}, { limit: 10, cursor: undefined })
  expect(items).toHaveLength(1)
  const build = items[0]
  const jobs = await store.jobs.ofBuild(build?.id ?? '')
  expect(jobs.map(({ name, state }) => [name, state])).toEqual([
    ['lint', 'queued'],
    ['test-18', 'queued'],
    ['test-20', 'queued'],
    ['deploy', 'blocked'],
  ])
  expect((await queue.waiting(10)).sort()).toEqual(
    jobs
      .slice(0, 3)
      .map((one) => one.id)
      .sort(),
  )
  expect(build).toMatchObject({ state: 'queued', delivery: id, jobs: jobs.map((one) => one.id) })
  expect(new Set(statuses.map(({ context }) => context)).size).toBeGreaterThanOrEqual(contexts)
  expect(await store.deliveries.get(id)).toMatchObject({ verdict: 'built', builds: [build?.id] })
}

const none = <T extends object>(part: T) => part

/** Calls of an undisturbed run. */
async function countCalls(): Promise<number> {
  const world = await accepted()
  const counting = crashing(Number.POSITIVE_INFINITY, 'before')
  await world.work(counting.wrap)
  await expectOneCompleteBuild(world)
  await world.close()
  return counting.calls()
}

describe('a delivery that is worked on twice', () => {
  it('makes exactly one complete build, wherever the first work on it was killed', async () => {
    const calls = await countCalls()
    expect(calls).toBeGreaterThan(20)
    for (const when of ['before', 'after'] as const) {
      for (let point = 0; point < calls; point++) {
        const world = await accepted()
        const crash = crashing(point, when)
        await world.work(crash.wrap).catch((error: unknown) => {
          if (!(error instanceof Crash)) throw error
        })
        expect(crash.died()).toBe(true)
        await world.work(none)
        await expectOneCompleteBuild(world)
        await world.close()
      }
    }
  }, 180_000)

  it('makes exactly one complete build, whichever processes work on it at once and die', async () => {
    const point = fc.integer({ min: 0, max: 60 })
    const when = fc.constantFrom('before' as const, 'after' as const)
    const workers = fc.array(fc.record({ point, when }), { minLength: 1, maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(workers, async (crashes) => {
        const world = await accepted()
        const works = crashes.map((one) => world.work(crashing(one.point, one.when).wrap))
        for (const done of await Promise.allSettled(works)) {
          if (done.status === 'rejected' && !(done.reason instanceof Crash)) throw done.reason
        }
        await world.work(none)
        // One may have died between a job's record and the line while the other, which saw that record, came to its
        // end: the recovery of the next start, and of every half minute, finds it.
        await world.builds.recover()
        await expectOneCompleteBuild(world)
        await world.close()
      }),
      {
        numRuns: 25,
        examples: [
          [
            [
              { point: 35, when: 'before' },
              { point: 11, when: 'before' },
            ],
          ],
        ],
      },
    )
  }, 180_000)
})
