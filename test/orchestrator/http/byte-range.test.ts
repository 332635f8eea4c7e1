import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { byteRange } from '../../../orchestrator/http/byte-range.ts'

describe('byteRange', () => {
  it('gives a range that is not empty and lies within the file, or none at all', () => {
    const header = fc.oneof(
      fc.string(),
      fc
        .tuple(fc.option(fc.nat(), { nil: '' }), fc.option(fc.nat(), { nil: '' }))
        .map(([from, to]) => `bytes=${from}-${to}`),
      fc.stringMatching(/^bytes=\d{0,25}-\d{0,25}$/),
    )
    fc.assert(
      fc.property(header, fc.nat(), (given, size) => {
        const range = byteRange(given, size)
        if (range === undefined || range === 'unsatisfiable') return
        expect(range.start).toBeGreaterThanOrEqual(0)
        expect(range.end).toBeGreaterThan(range.start)
        expect(range.end).toBeLessThanOrEqual(size)
      }),
    )
  })

  it('cuts what RFC 9110 says out of any file', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1000 }), fc.nat(999), fc.nat(2000), (size, from, more) => {
        const start = from % size
        const end = Math.min(size, start + more + 1)
        expect(byteRange(`bytes=${start}-${start + more}`, size)).toEqual({ start, end })
        expect(byteRange(`bytes=${start}-`, size)).toEqual({ start, end: size })
        expect(byteRange(`bytes=-${more + 1}`, size)).toEqual({
          start: Math.max(0, size - more - 1),
          end: size,
        })
      }),
    )
  })

  it.each([
    [undefined, undefined],
    ['', undefined],
    ['bytes=-', undefined],
    ['lines=1-2', undefined],
    ['bytes=0-1,3-4', undefined],
    ['bytes=0x1-2', undefined],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=5-4', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
  ] as const)('answers %j on ten bytes by %j', (header, range) => {
    expect(byteRange(header, 10)).toEqual(range)
  })
})
