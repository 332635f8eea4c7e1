import { apiUrl } from '../api-url.ts'
import { clip } from '../clip.ts'
import type { HttpRequest, StatusState, StatusToWrite } from '../forge.ts'

// `skipped` is refused by versions that people still run, so it is not used.
const states: Readonly<Record<StatusState, string>> = {
  pending: 'pending',
  running: 'running',
  passed: 'success',
  failed: 'failed',
  'timed-out': 'failed',
  errored: 'failed',
  cancelled: 'canceled',
  skipped: 'success',
}

/**
 * Writes a commit status.
 * @see https://docs.gitlab.com/api/commits/#set-commit-pipeline-status
 */
export function gitlabStatus(status: StatusToWrite): HttpRequest | undefined {
  const { repository, token, sha, ref, context, state, description, url } = status
  const target = apiUrl({
    repository,
    known: { host: 'gitlab.com', url: 'https://gitlab.com/api/v4' },
    path: '/api/v4',
    segments: ['projects', repository.name, 'statuses', sha],
  })
  if (target === undefined) return undefined
  const name = branchOrTag(ref)
  return {
    method: 'POST',
    url: target,
    headers: { accept: 'application/json', 'content-type': 'application/json', 'private-token': token },
    body: JSON.stringify({
      state: states[state],
      ...(name === undefined ? {} : { ref: name }),
      name: clip(context, 255),
      target_url: url,
      description: clip(description, 255),
    }),
  }
}

// GitLab wants a branch or tag by its short name, and finds the pipeline of a merge request by the commit alone.
function branchOrTag(ref: string): string | undefined {
  return /^refs\/(?:heads|tags)\/(.+)$/.exec(ref)?.[1]
}
