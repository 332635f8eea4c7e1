import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, parseDuration } from '../../config/duration.ts'
import { ConfigError } from '../../config/errors.ts'

describe('parseDuration', () => {
  it.each([
    ['10m', 600_000],
    ['90s', 90_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['1m 500ms', 60_500],
    ['3 m 05 s', 185_000],
    ['0s', 0],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '10', 'm', '-5m', '5m1h', '5m5m', '10 parsecs', '1h30', '5M', '1e3s'])(
    'refuses %j and says what it expected and found',
    (text) => {
      expect(() => parseDuration(text)).toThrow(ConfigError)
      expect(() => parseDuration(text)).toThrow(
        `expected a duration such as 90s, 10m or 1h30m, found "${text}"`,
      )
    },
  )

  it('adds up whatever units are given in order', () => {
    const amount = fc.integer({ min: 0, max: 500 })
    fc.assert(
      fc.property(amount, amount, amount, amount, amount, (d, h, m, s, ms) => {
        const sum = d * 86_400_000 + h * 3_600_000 + m * 60_000 + s * 1000 + ms
        expect(parseDuration(`${d}d${h}h${m}m${s}s${ms}ms`)).toBe(sum)
      }),
    )
  })
})

describe('formatDuration', () => {
  it.each([
    [0, '0.00 s'],
    [420, '0.42 s'],
    [12_300, '12.3 s'],
    [9_999, '10.0 s'],
    [59_960, '1 m 00 s'],
    [185_000, '3 m 05 s'],
    [3_599_900, '1 h 00 m'],
    [3_720_000, '1 h 02 m'],
  ])('shows %d ms as %s', (ms, shown) => {
    expect(formatDuration(ms)).toBe(shown)
  })

  it('is read back by parseDuration to the precision that it shows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 7 * 86_400_000 }), (ms) => {
        const precision = ms < 9_995 ? 5 : ms < 59_950 ? 50 : ms < 3_599_500 ? 500 : 30_000
        expect(Math.abs(parseDuration(formatDuration(ms)) - ms)).toBeLessThanOrEqual(precision)
      }),
    )
  })
})
