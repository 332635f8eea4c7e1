import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pageSize, scrubPages } from '../../../runner/scrub/scrub-pages.ts'

/** Bytes that no needle here has. */
const filler = 0x2e
const fewest = 6

const aNeedle = fc.stringMatching(/^[A-Za-z0-9]{8,40}$/).map((text) => Buffer.from(text))

function emptyPages(count: number): Buffer {
  return Buffer.alloc(count * pageSize, filler)
}

/** Whether a page begins or ends with so much of a needle that it was to be removed. */
function hasFragment(memory: Buffer, needle: Buffer): boolean {
  for (let page = 0; page < memory.length; page += pageSize) {
    const bytes = memory.subarray(page, page + pageSize)
    for (let length = fewest; length < needle.length; length++) {
      if (bytes.subarray(pageSize - length).equals(needle.subarray(0, length))) return true
      if (bytes.subarray(0, length).equals(needle.subarray(needle.length - length))) return true
    }
  }
  return false
}

describe('scrubPages', () => {
  it('leaves no needle, wherever it stands, and changes no other byte', () => {
    const plants = fc.array(fc.nat({ max: 4 * pageSize - 41 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.array(aNeedle, { minLength: 1, maxLength: 4 }), plants, (needles, places) => {
        const memory = emptyPages(4)
        const isPlanted = Buffer.alloc(memory.length)
        places.forEach((at, index) => {
          const needle = needles[index % needles.length] as Buffer
          needle.copy(memory, at)
          isPlanted.fill(1, at, at + needle.length)
        })
        const before = Buffer.from(memory)
        const ranges = scrubPages(memory, needles)
        for (const needle of needles) {
          expect(memory.includes(needle)).toBe(false)
          expect(hasFragment(memory, needle)).toBe(false)
        }
        for (const { start, length } of ranges) {
          before.fill('*', start, start + length)
          expect(isPlanted.subarray(start, start + length).includes(0)).toBe(false)
        }
        expect(memory.equals(before)).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('removes what of a needle stands at the borders of pages that lie apart', () => {
    fc.assert(
      fc.property(aNeedle, fc.nat({ max: 100 }), (needle, cut) => {
        const first = 1 + (cut % (needle.length - 1))
        const memory = emptyPages(5)
        needle.copy(memory, 4 * pageSize - first, 0, first)
        needle.copy(memory, pageSize, first)
        scrubPages(memory, [needle])
        expect(hasFragment(memory, needle)).toBe(false)
        const ends = memory.subarray(4 * pageSize - first, 4 * pageSize)
        const begins = memory.subarray(pageSize, pageSize + needle.length - first)
        expect(ends.toString()).toBe(first < fewest ? needle.toString('utf8', 0, first) : '*'.repeat(first))
        if (begins.length >= fewest) expect(begins.toString()).toBe('*'.repeat(begins.length))
      }),
      { numRuns: 100 },
    )
  })

  it('leaves nothing of a needle that begins with another', () => {
    const needles = ['password', 'password-and-the-rest-of-it', 'the-rest'].map((text) => Buffer.from(text))
    const memory = emptyPages(1)
    memory.write('password-and-the-rest-of-it', 100)
    scrubPages(memory, needles)
    expect(memory.toString('latin1', 95, 132)).toBe(`.....${'*'.repeat(27)}.....`)
  })

  it('removes every page of a needle of several pages, in whatever order they lie', () => {
    const text = Array.from({ length: 3 * pageSize }, (_, index) =>
      String.fromCharCode(97 + ((index * 7919) % 25)),
    )
    const needle = Buffer.from(
      text.map((letter, index) => (index % 13 === 0 ? String(index % 10) : letter)).join(''),
    )
    const memory = emptyPages(6)
    // 100 bytes, two whole pages, and the rest.
    needle.copy(memory, 5 * pageSize - 100, 0, 100)
    needle.copy(memory, 2 * pageSize, 100, 100 + pageSize)
    needle.copy(memory, 0, 100 + pageSize, 100 + 2 * pageSize)
    needle.copy(memory, 3 * pageSize, 100 + 2 * pageSize)
    scrubPages(memory, [needle])
    const rest = memory.toString('latin1').replace(/[.*]/g, '')
    expect(rest).toBe('')
  })

  it('changes nothing where there is nothing, and takes a run that ends within a page', () => {
    const memory = Buffer.from('a short run with the-secret')
    expect(scrubPages(memory, [])).toEqual([])
    expect(scrubPages(memory, [Buffer.from('another-one')])).toEqual([])
    expect(scrubPages(memory, [Buffer.from('the-secret')])).toEqual([{ start: 17, length: 10 }])
    expect(memory.toString()).toBe(`a short run with ${'*'.repeat(10)}`)
  })
})
