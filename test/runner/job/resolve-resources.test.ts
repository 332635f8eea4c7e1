import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveResources } from '../../../runner/job/resolve-resources.ts'

const keys = ['cpus', 'memory', 'disk'] as const
const amount = fc.integer({ min: 1, max: 2 ** 40 })
const all = fc.record({ cpus: amount, memory: amount, disk: amount })
const some = fc.record({ cpus: amount, memory: amount, disk: amount }, { requiredKeys: [] })

describe('resolveResources', () => {
  it('AC23, AC53: takes each amount from the job, else from the image, else from the host', () => {
    fc.assert(
      fc.property(some, some, all, (job, image, host) => {
        const resolved = resolveResources({ job, image, host })
        for (const key of keys) expect(resolved[key]).toBe(job[key] ?? image[key] ?? host[key])
      }),
    )
  })
})
