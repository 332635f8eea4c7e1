import { ConfigError } from '../../config/errors.ts'

/** What git-check-ref-format(1) allows, below `refs/`, and no longer than a file's name may be. */
const refForm = /^(?!.*(?:\.\.|\/\/|\/\.|@\{|\.lock(?:\/|$)))refs\/[^\s\p{Cc}~^:?*[\\]{1,240}(?<![./])$/u

/** A name as git and our refspecs take it; nothing in it is an option, a pattern or another ref's. */
export function checkRef(ref: string): void {
  if (!refForm.test(ref)) {
    throw new ConfigError(
      `expected the full name of a branch or tag, such as refs/heads/main, got ${JSON.stringify(ref.slice(0, 100))}`,
    )
  }
}

/** SHA-1, or SHA-256 in repositories made with it. */
export function checkSha(sha: string): void {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(sha)) {
    throw new ConfigError(
      `expected a commit as 40 or 64 lower-case hexadecimal digits, got ${JSON.stringify(sha.slice(0, 100))}`,
      { hint: 'A short form is not enough: git rev-parse gives the full one.' },
    )
  }
  if (/^0+$/.test(sha)) throw new ConfigError('expected a commit, got all zeros, which stand for none')
}

/** The branch of `refs/heads/...`; undefined for tags, pull requests and the rest. */
export function branchOf(ref: string): string | undefined {
  return ref.startsWith('refs/heads/') ? ref.slice('refs/heads/'.length) : undefined
}

export function tagOf(ref: string): string | undefined {
  return ref.startsWith('refs/tags/') ? ref.slice('refs/tags/'.length) : undefined
}
