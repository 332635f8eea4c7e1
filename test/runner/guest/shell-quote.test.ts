import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exportLines } from '../../../runner/guest/export-lines.ts'
import { shellQuote } from '../../../runner/guest/shell-quote.ts'

/** Any text but NUL, which no shell can hold, with the bytes that shells mind most. */
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom("'", '"', '\\', '\n', '$(id)', '`id`', ' ', '*', '!'),
      fc.string({ maxLength: 8 }),
    ),
  )
  .map((parts) => parts.join('').replaceAll('\0', ''))

const sh = (script: string) => execFileSync('sh', ['-s'], { input: script }).toString()

describe('shellQuote', () => {
  it('gives one word that a shell takes for exactly what it was', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (words) => {
        const expected = words.map((word) => `${word}\x01`).join('')
        expect(sh(`printf '%s\\001' ${words.map(shellQuote).join(' ')}`)).toBe(expected)
      }),
      { numRuns: 60 },
    )
  })
})

describe('exportLines', () => {
  it('gives a shell and its children every value as it was', () => {
    const name = fc.stringMatching(/^V[A-Z0-9_]{0,8}$/)
    fc.assert(
      fc.property(fc.dictionary(name, text, { minKeys: 1, maxKeys: 4 }), (env) => {
        const print = Object.keys(env).map((key) => `printenv ${key}; printf '\\001'`)
        const expected = Object.values(env).map((value) => `${value}\n\x01`)
        expect(sh([exportLines(env), ...print].join('\n'))).toBe(expected.join(''))
      }),
      { numRuns: 60 },
    )
  })

  it('is empty for no variables', () => {
    expect(exportLines({})).toBe('')
  })
})
