import { expect, it } from 'vitest'
import { curvePath } from '../../../../orchestrator/pages/timeline/curve-path.ts'

const points = [
  { from: 0, to: 500, value: 1 },
  { from: 500, to: 1_000, value: 4 },
]

it('a curve goes in steps, its highest value at the upper edge, and comes down to zero again', () => {
  expect(curvePath({ points, end: 1_000, most: 4 })).toBe('M0 100L0 75H500L500 0H1000V100Z')
})

it('what is beyond the upper edge stays within the picture', () => {
  expect(curvePath({ points, end: 2_000, most: 2 })).toBe('M0 100L0 50H250L250 0H500V100Z')
})

it.each([[{ points: [], end: 1, most: 1 }], [{ points, end: 0, most: 1 }], [{ points, end: 1, most: 0 }]])(
  'there is no curve of nothing',
  (curve) => {
    expect(curvePath(curve)).toBe('')
  },
)
