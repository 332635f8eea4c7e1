import fc from 'fast-check'
import { expect, it } from 'vitest'
import { sampleInterval } from '../../../runner/job/sample-interval.ts'

const hour = 3_600_000

/** Samples that a job of that age has, in ms, when each is taken as soon as it is due. */
function samplesIn(age: number): number {
  let count = 0
  for (let at = 0; at < age; at += sampleInterval(at)) count++
  return count
}

it('a sample a second is taken at first', () => {
  expect(sampleInterval(0)).toBe(1_000)
  expect(samplesIn(150_000)).toBe(150)
})

it.each([
  [6 * hour, 900],
  [12 * hour, 1_010],
  [7 * 24 * hour, 1_400],
])('the timeline of a job of %i ms has at most %i samples', (age, most) => {
  expect(samplesIn(age)).toBeLessThanOrEqual(most)
  expect(samplesIn(age)).toBeGreaterThan(most * 0.9)
})

it('no gap is wider than a part in 150 of the job, once that is more than a second', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 30 * 24 * hour }), (age) => {
      expect(sampleInterval(age)).toBe(age < 150_000 ? 1_000 : age / 150)
    }),
  )
})
