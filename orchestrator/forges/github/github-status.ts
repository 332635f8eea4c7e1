import { clip } from '../clip.ts'
import type { HttpRequest, StatusToWrite } from '../forge.ts'
import { type GithubLike, githubLikeStatus } from './github-like-status.ts'

const github: GithubLike = {
  known: { host: 'github.com', url: 'https://api.github.com' },
  path: '/api/v3',
  accept: 'application/vnd.github+json',
  scheme: 'Bearer',
  headers: { 'x-github-api-version': '2022-11-28' },
  // GitHub knows neither cancelled nor skipped: as `pending` they would hold a pull request for ever.
  states: {
    pending: 'pending',
    running: 'pending',
    passed: 'success',
    failed: 'failure',
    'timed-out': 'failure',
    errored: 'error',
    cancelled: 'error',
    skipped: 'success',
  },
  describe: (description) => clip(withoutAstral(description), 140),
}

/**
 * Writes a commit status.
 * @see https://docs.github.com/en/rest/commits/statuses
 */
export function githubStatus(status: StatusToWrite): HttpRequest | undefined {
  return githubLikeStatus(status, github)
}

// GitHub answers 422 to characters beyond U+FFFF, such as most emoji, in a description.
function withoutAstral(text: string): string {
  return text.replace(/[\u{10000}-\u{10FFFF}]/gu, '?')
}
