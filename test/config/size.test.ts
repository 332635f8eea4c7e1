import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../config/errors.ts'
import { formatSize, parseSize } from '../../config/size.ts'

describe('parseSize', () => {
  it.each([
    ['2GiB', 2 * 1024 ** 3],
    ['512M', 512 * 1024 ** 2],
    ['512MiB', 512 * 1024 ** 2],
    ['512MB', 512 * 1024 ** 2],
    ['10G', 10 * 1024 ** 3],
    ['1024', 1024],
    ['64 KiB', 64 * 1024],
    ['1.5GiB', 1.5 * 1024 ** 3],
    ['3t', 3 * 1024 ** 4],
    ['7B', 7],
    [' 0 ', 0],
  ])('reads %s as %d bytes', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(['', 'G', '-1G', '1e3', '2GiBs', '1,5G', '0x10', '9007199254740993', '99999999T', 'two'])(
    'refuses %j and says what it expected and found',
    (text) => {
      expect(() => parseSize(text)).toThrow(ConfigError)
      expect(() => parseSize(text)).toThrow(
        `expected a size such as 512MiB, 2GiB or a number of bytes, found "${text}"`,
      )
    },
  )

  it('reads back every whole number of a unit that formatSize shows', () => {
    const unit = fc.constantFrom(1, 1024, 1024 ** 2, 1024 ** 3, 1024 ** 4)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1023 }), unit, (count, bytes) => {
        expect(parseSize(formatSize(count * bytes))).toBe(count * bytes)
      }),
    )
  })

  it('reads back any size to the tenth that formatSize shows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 50 }), (bytes) => {
        expect(Math.abs(parseSize(formatSize(bytes)) - bytes)).toBeLessThanOrEqual(bytes * 0.06)
      }),
    )
  })

  it('throws nothing but ConfigError, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseSize(text)).toBeGreaterThanOrEqual(0)
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigError)
        }
      }),
    )
  })
})

describe('formatSize', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [1536 * 1024 ** 2, '1.5 GiB'],
    [2 ** 31, '2 GiB'],
    [2 ** 20 - 1, '1 MiB'],
  ])('shows %d bytes as %s', (bytes, shown) => {
    expect(formatSize(bytes)).toBe(shown)
  })
})
