import { ConfigError } from '../../config/errors.ts'

const longestName = 64

/** Joliet leaves room for 16 characters; ECMA-119 means capitals, but NoCloud looks for `cidata`. */
export function checkVolumeId(volumeId: string): void {
  if (/^[A-Za-z0-9_]{1,16}$/.test(volumeId)) return
  throw new ConfigError(
    `Expected a volume id of 1 to 16 letters, digits or underscores, got ${JSON.stringify(volumeId)}`,
    { hint: 'Use cidata, which cloud-init looks for.' },
  )
}

/** A directory record has one byte for the years since 1900. */
export function checkModified(modified: Date): void {
  const year = modified.getUTCFullYear()
  if (year >= 1900 && year <= 2155) return
  throw new ConfigError(`Expected a date in the years 1900 to 2155, got ${String(modified)}`, {
    hint: "Check this computer's clock.",
  })
}

/** @throws {ConfigError} on a name that Joliet cannot hold, or one that comes twice */
export function checkNames(names: readonly string[]): void {
  const seen = new Set<string>()
  for (const name of names) {
    const problem = seen.has(name) ? 'a name that comes once' : problemOf(name)
    if (problem) {
      throw new ConfigError(`Expected ${problem} on the seed CD, got ${JSON.stringify(name)}`, {
        hint: 'Rename the file.',
      })
    }
    seen.add(name)
  }
}

function problemOf(name: string): string | undefined {
  if (name === '' || name === '.' || name === '..') return 'a file name'
  if (name.length > longestName) return `a name of at most ${longestName} characters`
  // Joliet 2.2: control characters and six others are out, and UCS-2 knows no surrogates.
  if (/[\p{Cc}*/:;?\\]/u.test(name) || /[\ud800-\udfff]/.test(name)) {
    return 'a name without control characters, surrogates and any of * / : ; ? \\'
  }
  return undefined
}
