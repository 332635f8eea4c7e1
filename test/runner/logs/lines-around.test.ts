import { expect, it } from 'vitest'
import { linesAround } from '../../../runner/logs/lines-around.ts'

const lines = ['a', 'b', '', 'c', 'panic', 'd', '  ', 'e', 'f', 'g', 'h']

it('a line is shown with two before it and four after it, empty ones left out', () => {
  expect(linesAround(lines, 'panic')).toEqual(['b', 'c', 'panic', 'd', 'e', 'f', 'g'])
  expect(linesAround(lines, 'a')).toEqual(['a', 'b', 'c', 'panic', 'd'])
})

it('of a line that was said more than once the last is shown', () => {
  expect(linesAround(['x', 'panic', 'y', 'panic'], 'panic')).toEqual(['panic', 'y', 'panic'])
})

it('a line that is no more among the last ones is shown alone', () => {
  expect(linesAround(lines, 'long ago')).toEqual(['long ago'])
})
