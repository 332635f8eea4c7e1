import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bounds } from '../../../config/defaults.ts'
import type { TriggerEvent } from '../../../config/pipeline/pipeline.ts'
import { jobPriority } from '../../../orchestrator/builds/job-priority.ts'
import { aTrigger, buildWorld } from './build-world.ts'

const events: TriggerEvent[] = ['manual', 'tag', 'push', 'pull_request', 'schedule']
const priority = fc.integer({ min: -bounds.priority, max: bounds.priority })

describe('jobPriority', () => {
  it('puts what the pipeline file says before what started the build, larger first', () => {
    fc.assert(
      fc.property(
        priority,
        priority,
        fc.constantFrom(...events),
        fc.constantFrom(...events),
        (a, b, one, other) => {
          if (a > b) expect(jobPriority(a, one)).toBeLessThan(jobPriority(b, other))
          expect(jobPriority(a, one)).toBeGreaterThanOrEqual(0)
          // More than BullMQ takes would be as late as the last.
          expect(jobPriority(a, one)).toBeLessThan(2 ** 21)
        },
      ),
    )
  })

  it('puts runs by hand before tags, these before pushes and pull requests, and schedules last', () => {
    expect(events.toSorted((a, b) => jobPriority(0, a) - jobPriority(0, b))).toEqual(events)
    expect(jobPriority(0, 'push')).toBe(jobPriority(0, 'pull_request'))
  })

  it('comes from the pipeline file to each variant of a job, from beside `jobs` to all', async () => {
    const file =
      'priority: 3\njobs:\n  a: { steps: [make] }\n  b: { steps: [make], priority: -7, matrix: { n: ["1", "2"] } }\n'
    const world = await buildWorld({ file })
    const { build } = await world.builds.create({ repository: world.repository, trigger: aTrigger() })
    const jobs = await world.jobs(build)
    expect(Object.values(jobs).map((job) => [job.name, job.priority])).toEqual([
      ['a', jobPriority(3, 'push')],
      ['b-1', jobPriority(-7, 'push')],
      ['b-2', jobPriority(-7, 'push')],
    ])
  })
})
