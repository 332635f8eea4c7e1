import { createHash } from 'node:crypto'
import type { Repository } from '../../model/repository.ts'
import { apiUrl } from '../api-url.ts'
import { clip } from '../clip.ts'
import type { HttpRequest, StatusState, StatusToWrite } from '../forge.ts'

const states: Readonly<Record<StatusState, string>> = {
  pending: 'INPROGRESS',
  running: 'INPROGRESS',
  passed: 'SUCCESSFUL',
  failed: 'FAILED',
  'timed-out': 'FAILED',
  errored: 'FAILED',
  cancelled: 'STOPPED',
  skipped: 'SUCCESSFUL',
}

/**
 * Writes a build status; one with the same key replaces it.
 * @see https://developer.atlassian.com/cloud/bitbucket/rest/api-group-commit-statuses/
 */
export function bitbucketStatus(status: StatusToWrite): HttpRequest | undefined {
  const { repository, token, sha, ref, context, state, description, url } = status
  const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1]
  const body = {
    key: key(context),
    state: states[state],
    name: clip(context, 255),
    url,
    description: clip(description, 255),
    ...(branch === undefined ? {} : { refname: branch }),
  }
  const target = commitUrl(repository, [sha, 'statuses', 'build'])
  if (target === undefined) return undefined
  return {
    method: 'POST',
    url: target,
    headers: { ...authorization(token), 'content-type': 'application/json' },
    body: JSON.stringify(body),
  }
}

/** Asks for a commit by the twelve digits that a pull request's payload has of it. */
export function bitbucketCommit(commit: {
  repository: Repository
  token: string | undefined
  sha: string
}): HttpRequest {
  const { repository, token, sha } = commit
  return {
    method: 'GET',
    url: commitUrl(repository, [sha]) ?? 'https://api.bitbucket.org/2.0',
    headers: token === undefined ? { accept: 'application/json' } : authorization(token),
    body: undefined,
  }
}

function commitUrl(repository: Repository, rest: readonly string[]): string | undefined {
  return apiUrl({
    repository,
    known: { host: 'bitbucket.org', url: 'https://api.bitbucket.org/2.0' },
    path: undefined,
    segments: ['repositories', ...repository.name.split('/'), 'commit', ...rest],
  })
}

// An access token is a bearer's; `name:app-password` is for basic authentication.
function authorization(token: string): Record<string, string> {
  const scheme = token.includes(':') ? `Basic ${Buffer.from(token).toString('base64')}` : `Bearer ${token}`
  return { accept: 'application/json', authorization: scheme }
}

// Bitbucket takes keys of at most 40 characters.
function key(context: string): string {
  return context.length <= 40 ? context : createHash('sha1').update(context).digest('hex')
}
