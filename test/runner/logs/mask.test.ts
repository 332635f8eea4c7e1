import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createMasker } from '../../../runner/logs/mask.ts'
import { maskNeedles, unmaskable } from '../../../runner/logs/mask-needles.ts'

describe('createMasker', () => {
  it('replaces a secret that spans two chunks', () => {
    expect(mask(['hunter22'], ['say hun', 'ter22 now'])).toBe('say *** now')
  })

  it('passes everything through when there are no secrets', () => {
    expect(mask([], ['plain'])).toBe('plain')
  })

  it('hands over at once what cannot be the beginning of a secret', () => {
    const masker = createMasker(['hunter22'])
    expect(masker.push(Buffer.from('a line\nhunt')).toString()).toBe('a line\n')
    expect(masker.push(Buffer.from('ing')).toString()).toBe('hunting')
    expect(masker.end().toString()).toBe('')
  })

  it('gives at the end what was held back', () => {
    expect(mask(['hunter22'], ['hunter'])).toBe('hunter')
  })

  it('masks overlapping secrets as one, so that no rest of either is left', () => {
    expect(mask(['abcdef', 'defghi'], ['xabcd', 'efghix'])).toBe('x***x')
  })

  it('takes the longest of secrets that begin alike', () => {
    expect(mask(['pass', 'password'], ['pass', 'word passage'])).toBe('*** ***age')
  })

  it('masks a multi-line secret whole and each of its lines', () => {
    const key = '-----BEGIN-----\nfirst line\nsecond line\n'
    expect(mask([key], [key])).toBe('***\n')
    expect(mask([key], ['> second line\r\n> first line\r\n'])).toBe('> ***\r\n> ***\r\n')
  })

  it('masks the base64 form wherever it begins in the encoded text', () => {
    for (const before of ['', 'u', 'us', 'user:']) {
      const encoded = Buffer.from(`${before}correct horse`).toString('base64')
      expect(mask(['correct horse'], [`Basic ${encoded}`])).not.toContain(encoded.slice(-12, -4))
      expect(mask(['correct horse'], [`Basic ${encoded}`])).toContain('***')
    }
  })

  it('leaves values of three bytes and fewer alone and reports them', () => {
    expect(mask(['abc'], ['abcabc'])).toBe('abcabc')
    expect(unmaskable(['abc', ' ab\n', 'abcd', '', '\u00e9\u00e9'])).toEqual(['abc', ' ab\n', ''])
  })

  it('masks a secret of one repeated letter in any number as one', () => {
    expect(mask(['aaaa'], ['b', 'aaa', 'aaaaa', 'aab', 'aaa'])).toBe('b***baaa')
  })

  it('gives the masking of the whole for any secrets and any chunks', () => {
    fc.assert(
      fc.property(secretsOf('ab\n'), chunksOf('ab\n'), (secrets, chunks) => {
        expect(mask(secrets, chunks)).toBe(maskWhole(secrets, chunks.join('')))
      }),
      { numRuns: 2000 },
    )
  })

  it('leaves no secret in its output, for any secrets and chunks built from them', () => {
    const inputs = fc
      .array(fc.string({ minLength: 4, maxLength: 12 }).filter(isMaskable), { minLength: 1, maxLength: 6 })
      .chain((secrets) =>
        fc.tuple(
          fc.constant(secrets),
          fc.array(fc.oneof(fc.constantFrom(...secrets), fc.string()), { maxLength: 12 }),
          fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        ),
      )
    fc.assert(
      fc.property(inputs, ([secrets, parts, sizes]) => {
        const output = mask(secrets, cut(parts.join(''), sizes))
        for (const secret of secrets) expect(output).not.toContain(secret.trim())
      }),
      { numRuns: 1000 },
    )
  })

  it('masks keys far longer than the dense part of its automaton', () => {
    const keys = [1, 2, 3].map((seed) => pseudoRandom(3000, seed))
    const output = mask(keys, cut(`${keys[0]}--${keys[2]}--${keys[1]?.slice(0, 2999)}`, [997]))
    expect(output.startsWith('***--***--')).toBe(true)
    expect(output.endsWith(keys[1]?.slice(2900, 2999) ?? '')).toBe(true)
  })
})

function mask(secrets: string[], chunks: string[]): string {
  const masker = createMasker(secrets)
  const pieces = chunks.map((chunk) => Buffer.from(masker.push(Buffer.from(chunk))))
  return Buffer.concat([...pieces, masker.end()]).toString()
}

/** The same by brute force: mark every byte of every occurrence. */
function maskWhole(secrets: string[], text: string): string {
  const spans: [number, number][] = []
  for (const needle of maskNeedles(secrets)) {
    for (let at = text.indexOf(needle.toString()); at !== -1; at = text.indexOf(needle.toString(), at + 1))
      spans.push([at, at + needle.length])
  }
  spans.sort(([a], [b]) => a - b)
  let output = ''
  let end = 0
  let open = -1
  for (const [from, to] of spans) {
    if (open === -1 || from >= end) output += `${text.slice(end, from)}***`
    open = from
    end = Math.max(end, to)
  }
  return output + text.slice(end)
}

function secretsOf(alphabet: string) {
  const unit = fc.constantFrom(...alphabet)
  return fc.array(fc.string({ unit, minLength: 1, maxLength: 8 }), { maxLength: 4 })
}

function chunksOf(alphabet: string) {
  return fc.array(fc.string({ unit: fc.constantFrom(...alphabet), maxLength: 12 }), { maxLength: 8 })
}

/** No stars: masking may put them together. No replacement characters, which stand for many things. */
function isMaskable(secret: string): boolean {
  return unmaskable([secret]).length === 0 && !secret.includes('*')
}

function cut(text: string, sizes: Iterable<number>): string[] {
  const chunks: string[] = []
  let at = 0
  for (const size of repeat(sizes)) {
    if (at >= text.length) return chunks
    chunks.push(text.slice(at, at + size))
    at += size
  }
  return chunks
}

function* repeat(sizes: Iterable<number>): Generator<number> {
  for (;;) yield* sizes
}

function pseudoRandom(length: number, seed: number): string {
  let value = seed
  let text = ''
  while (text.length < length) {
    value = (value * 1103515245 + 12345) % 2147483648
    text += String.fromCharCode(97 + (value % 26))
  }
  return text
}
