import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBuildService } from '../../../orchestrator/builds/build-service.ts'
import { isEnded } from '../../../orchestrator/model/build.ts'
import { aTrigger, buildWorld } from './build-world.ts'

const fates = ['passed', 'passed', 'passed', 'failed', 'errored', 'cancelled'] as const

/** Jobs `j0` to `j<n>`, each needing some before it, some of one group. */
const graph = fc.array(
  fc.record({
    needs: fc.array(fc.nat(), { maxLength: 2 }),
    group: fc.constantFrom('', '', 'wait', 'cancel'),
  }),
  { minLength: 1, maxLength: 6 },
)

function fileOf(nodes: readonly { needs: number[]; group: string }[]): string {
  const jobs = nodes.map(({ needs, group }, index) => {
    const names = index === 0 ? [] : [...new Set(needs.map((need) => `j${need % index}`))]
    const concurrency =
      group === '' ? '' : `concurrency: { group: ${group}, cancel: ${group === 'cancel'} }, `
    return `  j${index}: { ${concurrency}needs: [${names}], retry: { max: 1, on: [boot] }, steps: [x] }`
  })
  return `jobs:\n${jobs.join('\n')}`
}

describe('builds moved by many processes at once', () => {
  it('come to their end with each attempt in line once, each need passed first and each group held by one', async () => {
    const plays = fc.infiniteStream(fc.nat())
    await fc.assert(
      fc.asyncProperty(graph, fc.integer({ min: 1, max: 3 }), plays, async (nodes, builds, choices) => {
        const pick = (count: number) => (choices.next().value ?? 0) % count
        const world = await buildWorld({ file: fileOf(nodes) })
        const processes = [1, 2, 3].map(() => createBuildService(world.parts))
        const some = () => processes[pick(3)] ?? world.builds
        const request = { repository: world.repository, trigger: aTrigger() }
        const made = await Promise.all(Array.from({ length: builds }, () => some().create(request)))
        const ids = made.flatMap(({ build }) => build?.id ?? [])
        for (let round = 0; ; round += 1) {
          expect(round).toBeLessThan(300)
          const jobs = (await Promise.all(ids.map((id) => world.store.jobs.ofBuild(id)))).flat()
          if (jobs.every(({ state }) => isEnded(state))) break
          const held = jobs
            .filter(({ state }) => state === 'queued' || state === 'claimed' || state === 'running')
            .flatMap(({ job }) => job.concurrency?.group ?? [])
          expect(new Set(held).size).toBe(held.length)
          const queued = jobs.filter(({ state }) => state === 'queued')
          const running = jobs.filter(({ state }) => state === 'running')
          const work: Promise<unknown>[] = []
          if (queued.length > 0) {
            const next = queued[pick(queued.length)]
            const needs = jobs.filter(({ id }) => next?.needs.includes(id))
            expect(needs.every(({ state }) => state === 'passed')).toBe(true)
            work.push(
              world.store.jobs.claim(next?.id ?? '', 'host-a').then((job) => job && some().jobStarted(job)),
            )
          }
          for (const job of running.slice(0, 1 + pick(2))) {
            const verdict = fates[pick(fates.length)] ?? 'passed'
            const change = { state: verdict, failure: verdict === 'errored' ? ('boot' as const) : undefined }
            const told = world.store.jobs
              .change(job.id, ['running'], change, job.claim)
              .then((ended) => ended && Promise.all([some().jobEnded(ended), some().jobEnded(ended)]))
            work.push(told)
          }
          if (pick(12) === 0) work.push(some().cancel({ job: jobs[pick(jobs.length)]?.id ?? '' }, 'ann'))
          if (pick(12) === 0) work.push(some().recover())
          await Promise.all(work)
        }
        expect(new Set(world.lined).size).toBe(world.lined.length)
        for (const id of ids) {
          const build = await world.store.builds.get(id)
          expect(isEnded(build?.state ?? 'queued')).toBe(true)
          const states = Object.values(await world.states(build))
          if (build?.state === 'passed')
            expect(states.every((one) => one === 'passed' || one === 'skipped')).toBe(true)
          if (states.includes('failed')) expect(build?.state).toBe('failed')
        }
      }),
      { numRuns: 60 },
    )
  })

  it('end where the jobs are, even when a slow process writes an older state last', async () => {
    const world = await buildWorld({ file: 'steps: [x]' })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    const job = await world.store.jobs.claim(`${build?.id}-main`, 'host-a')
    if (build === undefined || job === undefined) throw new Error('expected a job')
    const { store } = world
    const open: (() => void)[] = []
    const gate = new Promise<void>((resolve) => {
      open.push(resolve)
    })
    const update: typeof store.builds.update = async (id, change) => {
      if (change.state === 'running') await gate
      return store.builds.update(id, change)
    }
    const slow = createBuildService({
      ...world.parts,
      store: { ...store, builds: { ...store.builds, update } },
    })
    const started = slow.jobStarted(job)
    await new Promise((resolve) => setTimeout(resolve, 5))
    await world.end(job, { verdict: 'passed' })
    expect((await store.builds.get(build.id))?.state).toBe('passed')
    open[0]?.()
    await started
    expect(await store.builds.get(build.id)).toMatchObject({ state: 'passed', ended: expect.any(String) })
    expect(world.statusesOf('mayfly').at(-1)).toBe('passed')
  })
})
