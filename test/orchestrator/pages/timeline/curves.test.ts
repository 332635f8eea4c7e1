import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { Sample } from '../../../../orchestrator/pages/read-timeline.ts'
import { usedIntervals } from '../../../../orchestrator/pages/timeline/curves.ts'

/** Samples that are each some time, some computing and some memory after the one before. */
const someSamples = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 200_000 }), fc.nat(5_000), fc.nat(2 ** 32)), { maxLength: 900 })
  .map((steps) => {
    let [at, cpuMs] = [0, 0]
    return steps.map(([ms, more, memory]): Sample => {
      at += ms
      cpuMs += more
      return {
        ...{ type: 'sample', step: undefined, at, cpuMs, memory, diskRead: cpuMs, diskWritten: 0 },
        ...{ netSent: undefined, netReceived: undefined },
      }
    })
  })

it('a job of any length is at most 300 intervals, which follow each other and lose no computing', () => {
  fc.assert(
    fc.property(someSamples, (samples) => {
      const end = samples.at(-1)?.at ?? 0
      const intervals = usedIntervals(samples, end)
      expect(intervals.length).toBeLessThanOrEqual(300)
      for (const [index, { from, to }] of intervals.entries()) {
        expect(to - from).toBeGreaterThanOrEqual(500)
        if (index > 0) expect(from).toBe(intervals[index - 1]?.to)
      }
      const drawn = intervals.reduce((sum, { from, to, cpus }) => sum + cpus * (to - from), 0)
      const last = samples.find(({ at }) => at === intervals.at(-1)?.to)
      expect(drawn).toBeCloseTo((last?.cpuMs ?? 0) - (last === undefined ? 0 : (samples[0]?.cpuMs ?? 0)), 3)
    }),
  )
})

it('the most memory of an interval is that of any sample in it', () => {
  const sample = (at: number, memory: number): Sample => ({
    ...{ type: 'sample', step: undefined, at, cpuMs: 0, memory, diskRead: 0, diskWritten: 0 },
    ...{ netSent: undefined, netReceived: undefined },
  })
  const samples = [sample(0, 5), sample(100, 90), sample(600, 10), sample(1_200, 7)]
  expect(usedIntervals(samples, 1_200).map(({ memory }) => memory)).toEqual([90, 10])
})
