import fc from 'fast-check'
import { expect, it } from 'vitest'
import { timeTicks } from '../../../../orchestrator/pages/timeline/time-ticks.ts'

it.each([
  [900, ['0.2 s', '0.4 s', '0.6 s', '0.8 s']],
  [26_000, ['5 s', '10 s', '15 s', '20 s', '25 s']],
  [400_000, ['2 m', '4 m', '6 m']],
  [150_000, ['30 s', '1 m', '1 m 30 s', '2 m']],
  [6 * 3_600_000, ['2 h', '4 h']],
  [7_000_000, ['30 m', '1 h', '1 h 30 m']],
])('a job of %i ms has the times %j', (end, labels) => {
  expect(timeTicks(end).map(({ label }) => label)).toEqual(labels)
})

it('there are never more than five, in order, all within the job', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 ** 10 }), (end) => {
      const ticks = timeTicks(end).map(({ at }) => at)
      expect(ticks.length).toBeLessThanOrEqual(5)
      expect(ticks).toEqual([...ticks].sort((one, other) => one - other))
      expect(ticks.every((at) => at > 0 && at < end)).toBe(true)
    }),
  )
})
