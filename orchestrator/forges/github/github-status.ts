import { apiUrl } from '../api-url.ts'
import { clip } from '../clip.ts'
import type { HttpRequest, StatusState, StatusToWrite } from '../forge.ts'

// GitHub knows neither cancelled nor skipped: as `pending` they would hold a pull request for ever.
const states: Readonly<Record<StatusState, string>> = {
  pending: 'pending',
  running: 'pending',
  passed: 'success',
  failed: 'failure',
  'timed-out': 'failure',
  errored: 'error',
  cancelled: 'error',
  skipped: 'success',
}

/**
 * Writes a commit status.
 * @see https://docs.github.com/en/rest/commits/statuses
 */
export function githubStatus(status: StatusToWrite): HttpRequest | undefined {
  const { repository, token, sha, context, state, description, url } = status
  const target = apiUrl({
    repository,
    known: { host: 'github.com', url: 'https://api.github.com' },
    path: '/api/v3',
    segments: ['repos', ...repository.name.split('/'), 'statuses', sha],
  })
  if (target === undefined) return undefined
  return {
    method: 'POST',
    url: target,
    headers: {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'x-github-api-version': '2022-11-28',
    },
    body: JSON.stringify({
      state: states[state],
      target_url: url,
      description: clip(withoutAstral(description), 140),
      context: clip(context, 255),
    }),
  }
}

// GitHub answers 422 to characters beyond U+FFFF, such as most emoji, in a description.
function withoutAstral(text: string): string {
  return text.replace(/[\u{10000}-\u{10FFFF}]/gu, '?')
}
