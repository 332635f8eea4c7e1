import { describe, expect, it } from 'vitest'
import { ConfigError } from '../../../config/errors.ts'
import { createGlobs } from '../../../orchestrator/builds/globs.ts'

const matches = (pattern: string, text: string) =>
  createGlobs({ budget: 2000 })([pattern], [text]) !== undefined

describe('globs', () => {
  it.each([
    ['main', 'main', true],
    ['main', 'maintenance', false],
    ['release/*', 'release/1.2', true],
    ['release/*', 'release/1/2', false],
    ['release/**', 'release/1/2', true],
    ['**/*.ts', 'src/a/b.ts', true],
    ['**/*.ts', 'b.ts', true],
    ['v[0-9]*', 'v12', true],
    ['v{1,2}', 'v2', true],
    ['*', '.hidden', true],
    ['!main', 'other', false],
    ['app/(auth)/*', 'app/(auth)/page', true],
    ['a+b', 'a+b', true],
    ['a+b', 'aab', false],
    ['(a|b)', 'a', false],
    ['v1.$', 'v1.$', true],
    ['a\\*', 'a*', true],
    ['a\\*', 'ab', false],
  ])('says of %s and %s: %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it('gives the first text that matches any of the patterns', () => {
    const globs = createGlobs({ budget: 2000 })
    expect(globs(['x', 'd*'], ['a', 'docs', 'data'])).toBe('docs')
  })

  it.each([['*a*a*a*a*'], ['**/a/**/a/**/a/**'], ['a'.repeat(600)]])(
    'refuses %s, which could keep the server busy',
    (pattern) => {
      expect(() => matches(pattern, 'a')).toThrow(ConfigError)
    },
  )

  it('compares a name made to be slow within a moment', () => {
    const start = performance.now()
    matches('**/*a*a*b/**/*a*a*b/**', `${`${'a'.repeat(60)}/`.repeat(70)}`)
    expect(performance.now() - start).toBeLessThan(5000)
  })

  it('gives up once its time is spent, over all comparisons together', () => {
    const globs = createGlobs({ budget: 0 })
    expect(() => globs(['a'], ['b'])).toThrow('gave up on 1 of them and 1 names')
  })
})
