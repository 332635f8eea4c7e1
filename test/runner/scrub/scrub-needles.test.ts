import { expect, it } from 'vitest'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import { scrubNeedles, unscrubbable } from '../../../runner/scrub/scrub-needles.ts'

const textsOf = (secrets: readonly string[]) => scrubNeedles(secrets).map(String)

it('are the secret, each of its lines, and its base64 forms', () => {
  const texts = textsOf(['first line\nsecond line\n'])
  expect(texts).toEqual(expect.arrayContaining(['first line\nsecond line', 'first line', 'second line']))
  expect(texts).toContain(Buffer.from('first line\nsecond line').toString('base64').slice(0, -3))
})

it('are none that is shorter than eight bytes', () => {
  expect(textsOf(['1234567'])).not.toContain('1234567')
  expect(textsOf(['12345678'])).toContain('12345678')
  for (const needle of scrubNeedles(['1234567', 'ab', 'long enough\nx']))
    expect(needle.length).toBeGreaterThanOrEqual(8)
})

it('are no lines that stand in every program that reads a key, and are the lines of the key', () => {
  const { privateKey } = makeKeyPair('somebody')
  const texts = textsOf([privateKey])
  const lines = privateKey.trim().split('\n')
  expect(lines.length).toBeGreaterThan(3)
  expect(texts).toEqual(expect.arrayContaining(lines.slice(1, -1).filter((line) => line.length >= 8)))
  expect(texts.filter((text) => text.startsWith('-----'))).toEqual([])
})

it('are also a secret that only begins as the lines around a key do', () => {
  expect(textsOf(['-----a secret'])).toContain('-----a secret')
})

it('unscrubbable names the secrets that are shorter, blanks around them not counted', () => {
  const secrets = {
    LONG: '12345678',
    SHORT: '1234567',
    PADDED: '  12345 \n',
    EMPTY: '',
    BLANK: '   ',
    WIDE: 'ääää',
  }
  expect(unscrubbable(secrets)).toEqual(['SHORT', 'PADDED'])
})
