import { describe, expect, it } from 'vitest'
import { nearest } from '../../config/nearest.ts'

const keys = ['image', 'resources', 'env', 'setup', 'steps', 'memory', 'timeout']
const images = ['ubuntu-22.04', 'ubuntu-24.04', 'debian-12', 'debian-12-local', 'rocky-9']

describe('nearest', () => {
  it.each([
    ['stpes', keys, 'steps'],
    ['Steps', keys, 'steps'],
    ['resorces', keys, 'resources'],
    ['evn', keys, 'env'],
    ['xyz', keys, undefined],
    ['en', keys, 'env'],
    ['mem', keys, 'memory'],
    ['time_out', keys, 'timeout'],
    ['ubuntu-24', images, 'ubuntu-24.04'],
    ['debian12', images, 'debian-12'],
    ['windows', images, undefined],
    ['x', [], undefined],
    ['', keys, undefined],
  ])('for %j among %j is %j', (word, known, meant) => {
    expect(nearest(word, known)).toBe(meant)
  })
})
