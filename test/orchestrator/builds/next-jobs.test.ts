import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextJobs } from '../../../orchestrator/builds/next-jobs.ts'
import { isEnded, type JobState } from '../../../orchestrator/model/build.ts'

type Node = { id: string; name: string; needs: string[]; state: JobState }

const node = (id: string, state: JobState, needs: string[] = []): Node => ({ id, name: id, needs, state })

const verdicts = ['passed', 'failed', 'errored', 'timed-out', 'cancelled', 'skipped'] as const

describe('nextJobs', () => {
  it('makes all jobs ready that need nothing', () => {
    expect(nextJobs([node('a', 'blocked'), node('b', 'blocked')]).ready).toEqual(['a', 'b'])
  })

  it('makes the far corner of a diamond ready once, when both sides passed', () => {
    const diamond = (left: JobState, right: JobState) => [
      node('a', 'passed'),
      node('b', left, ['a']),
      node('c', right, ['a']),
      node('d', 'blocked', ['b', 'c']),
    ]
    expect(nextJobs(diamond('passed', 'running'))).toEqual({ ready: [], skipped: [] })
    expect(nextJobs(diamond('passed', 'passed'))).toEqual({ ready: ['d'], skipped: [] })
    expect(nextJobs(diamond('passed', 'failed'))).toEqual({
      ready: [],
      skipped: [{ id: 'd', reason: 'needs c, which failed' }],
    })
  })

  it('skips a whole chain behind a failure in one look, each with the job that it waited for', () => {
    const chain = [node('c', 'blocked', ['b']), node('b', 'blocked', ['a']), node('a', 'timed-out')]
    expect(nextJobs(chain).skipped).toEqual([
      { id: 'b', reason: 'needs a, which timed out' },
      { id: 'c', reason: 'needs b, which was skipped' },
    ])
  })

  it('skips a job before the others that it needs have ended', () => {
    const jobs = [node('a', 'failed'), node('b', 'running'), node('c', 'blocked', ['a', 'b'])]
    expect(nextJobs(jobs).skipped).toEqual([{ id: 'c', reason: 'needs a, which failed' }])
  })

  it('skips a job that needs one which is not there', () => {
    expect(nextJobs([node('a', 'blocked', ['gone'])]).skipped).toEqual([
      { id: 'a', reason: 'needs gone, which was skipped' },
    ])
  })

  it('settles a chain of ten thousand jobs at once', () => {
    const jobs = Array.from({ length: 10_000 }, (_, index) =>
      node(`j${index}`, index === 0 ? 'failed' : 'blocked', index === 0 ? [] : [`j${index - 1}`]),
    )
    expect(nextJobs(jobs.reverse()).skipped).toHaveLength(9_999)
  })

  it('brings any graph to an end, running each job only after all that it needs passed', () => {
    const graph = fc
      .integer({ min: 1, max: 12 })
      .chain((size) =>
        fc.tuple(
          fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: size, maxLength: size }),
          fc.array(fc.constantFrom(...verdicts), { minLength: size, maxLength: size }),
          fc.infiniteStream(fc.nat()),
        ),
      )
    fc.assert(
      fc.property(graph, ([picks, fates, choices]) => {
        // A job needs only earlier ones, which is what a graph without circles comes to.
        const jobs = picks.map((pick, index) =>
          node(`j${index}`, 'blocked', index === 0 ? [] : [...new Set(pick.map((n) => `j${n % index}`))]),
        )
        const stateOf = (id: string) => jobs.find((job) => job.id === id)?.state
        for (let round = 0; jobs.some(({ state }) => !isEnded(state)); round += 1) {
          expect(round).toBeLessThan(100)
          const { ready, skipped } = nextJobs(jobs)
          for (const { id } of skipped) {
            const job = jobs.find((one) => one.id === id)
            expect(job?.state).toBe('blocked')
            if (job !== undefined) job.state = 'skipped'
          }
          for (const id of ready) {
            const job = jobs.find((one) => one.id === id)
            expect(job?.needs.every((need) => stateOf(need) === 'passed')).toBe(true)
            if (job !== undefined) job.state = 'running'
          }
          const running = jobs.filter(({ state }) => state === 'running')
          const ending = running[(choices.next().value ?? 0) % Math.max(1, running.length)]
          if (ending !== undefined) ending.state = fates[jobs.indexOf(ending)] ?? 'passed'
        }
        for (const { state, needs } of jobs) {
          const unmet = needs.some((need) => stateOf(need) !== 'passed')
          if (unmet) expect(state).toBe('skipped')
        }
      }),
    )
  })
})
