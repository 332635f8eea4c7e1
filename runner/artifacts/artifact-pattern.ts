import picomatch from 'picomatch'

export type ArtifactPattern = {
  readonly pattern: string
  /** Segments before the first one with a wildcard; where the walk begins. */
  readonly base: readonly string[]
  /** Whether the pattern is a plain path, which means the file of that name or all below the directory. */
  readonly plain: boolean
  /** Levels of directories below `base` that a match can lie in. */
  readonly depth: number
  matches(path: string): boolean
}

export const deepestLevel = 64
const longestPattern = 512
/** Each further star multiplies what a hostile file name can make the matcher try. */
const starsPerSegment = 3
const doubleStars = 4

/**
 * Reads an artifact pattern: `*`, `?`, `**`, `[a-z]` and `{a,b}`, relative to the working directory, files whose
 * names begin with a dot among the matches. Gives a sentence instead where it is refused.
 */
export function artifactPattern(written: string): ArtifactPattern | string {
  const pattern = written.replace(/^(?:\.\/+)+/, '').replace(/\/+$/, '')
  const refusal = refuse(written, pattern)
  if (refusal !== undefined) return refusal
  const segments = pattern.split(/\/+/).filter((segment) => segment !== '.')
  const firstWild = segments.findIndex((segment) => /[*?[\]{}()!+@\\]/.test(segment))
  const plain = firstWild === -1
  const base = plain ? segments : segments.slice(0, firstWild)
  if (plain) return { pattern: written, base, plain, depth: deepestLevel, matches: () => true }
  const matches = picomatch(segments.join('/'), {
    dot: true,
    noextglob: true,
    nonegate: true,
    strictSlashes: true,
  })
  const anyDepth = /\*\*|\{/.test(pattern)
  return {
    pattern: written,
    base,
    plain,
    depth: anyDepth ? deepestLevel : segments.length - base.length - 1,
    matches: (path) => matches(path),
  }
}

function refuse(written: string, pattern: string): string | undefined {
  if (written.includes('\0')) return 'expected a path without NUL'
  if (written === '') return 'expected a path, got an empty one'
  if (written.startsWith('/')) return 'expected a path relative to the working directory, got an absolute one'
  if (pattern.length > longestPattern)
    return `expected at most ${longestPattern} characters, got ${pattern.length}`
  if (pattern.split(/[/{},]/).includes('..'))
    return "expected a path inside the working directory, got one with '..'"
  if ((pattern.match(/\*\*/g) ?? []).length > doubleStars) return `expected at most ${doubleStars} '**'`
  const stars = pattern.split('/').map((segment) => segment.replaceAll('**', '').split('*').length - 1)
  if (Math.max(...stars) > starsPerSegment)
    return `expected at most ${starsPerSegment} '*' between two slashes`
  return undefined
}
