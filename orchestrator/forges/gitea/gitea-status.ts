import { apiUrl } from '../api-url.ts'
import { clip } from '../clip.ts'
import type { HttpRequest, StatusState, StatusToWrite } from '../forge.ts'

// `skipped` is known to the newest versions only, so it is not used.
const states: Readonly<Record<StatusState, string>> = {
  pending: 'pending',
  running: 'pending',
  passed: 'success',
  failed: 'failure',
  'timed-out': 'failure',
  errored: 'error',
  cancelled: 'failure',
  skipped: 'success',
}

/** Writes a commit status: `POST /repos/{owner}/{repo}/statuses/{sha}` of the instance's own API description. */
export function giteaStatus(status: StatusToWrite): HttpRequest | undefined {
  const { repository, token, sha, context, state, description, url } = status
  const target = apiUrl({
    repository,
    path: '/api/v1',
    segments: ['repos', ...repository.name.split('/'), 'statuses', sha],
  })
  if (target === undefined) return undefined
  return {
    method: 'POST',
    url: target,
    headers: {
      accept: 'application/json',
      authorization: `token ${token}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      state: states[state],
      target_url: url,
      description: clip(description, 255),
      context: clip(context, 255),
    }),
  }
}
