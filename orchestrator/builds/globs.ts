import picomatch from 'picomatch'
import { ConfigError } from '../../config/errors.ts'

const longestPattern = 512
/** Beyond it a text is cut, so that one comparison stays short. Forges end names of branches at 250 or so. */
const longestText = 1000
/** Each further star multiplies what a hostile name can make the matcher try. */
const starsPerSegment = 3
const doubleStars = 3

/** The first text that one of the patterns matches; undefined where none does. */
export type Globs = (patterns: readonly string[], texts: readonly string[]) => string | undefined

/**
 * Compares names with globs: `*`, `?`, `**` across slashes, `[a-z]` and `{a,b}`. All comparisons made with one of it
 * share a budget of time (milliseconds), as pushers write the patterns and name the files.
 * @throws ConfigError from the comparison, for a pattern that is too costly and for a budget spent
 */
export function createGlobs({ budget }: { budget: number }): Globs {
  let spent = 0
  return (patterns, texts) => {
    const start = performance.now()
    const late = () => spent + performance.now() - start > budget
    try {
      return firstMatch({ patterns, texts, late })
    } finally {
      spent += performance.now() - start
    }
  }
}

type FirstMatch = { patterns: readonly string[]; texts: readonly string[]; late: () => boolean }

function firstMatch({ patterns, texts, late }: FirstMatch): string | undefined {
  for (const pattern of patterns) {
    const matches = compile(pattern)
    for (const text of texts) {
      if (late()) throw tooSlow(patterns.length, texts.length)
      if (matches(text.slice(0, longestText))) return text
    }
  }
  return undefined
}

function compile(pattern: string): (text: string) => boolean {
  const refusal = refuse(pattern)
  if (refusal !== undefined) {
    throw new ConfigError(`when: ${refusal} in the glob ${JSON.stringify(pattern.slice(0, 60))}`, {
      hint: 'write a simpler glob, or several of them',
    })
  }
  // Groups and quantifiers are regular expressions' own; as glob they are plain characters of a name.
  const plain = pattern.replaceAll(/\\.|[()+@|^$]/g, (found) => (found.length === 2 ? found : `\\${found}`))
  const matches = picomatch(plain, { dot: true, noextglob: true, nonegate: true })
  return (text) => matches(text)
}

function refuse(pattern: string): string | undefined {
  if (pattern.length > longestPattern) return `expected at most ${longestPattern} characters`
  if ((pattern.match(/\*\*/g) ?? []).length > doubleStars) return `expected at most ${doubleStars} "**"`
  const stars = pattern.split('/').map((segment) => segment.replaceAll('**', '').split('*').length - 1)
  if (Math.max(...stars) > starsPerSegment) {
    return `expected at most ${starsPerSegment} "*" between two slashes`
  }
  return undefined
}

function tooSlow(patterns: number, texts: number): ConfigError {
  return new ConfigError(
    `when: expected globs that are compared quickly, gave up on ${patterns} of them and ${texts} names`,
    { hint: 'use fewer or simpler globs' },
  )
}
