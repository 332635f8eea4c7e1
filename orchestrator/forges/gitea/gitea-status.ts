import { clip } from '../clip.ts'
import type { HttpRequest, StatusToWrite } from '../forge.ts'
import { type GithubLike, githubLikeStatus } from '../github/github-like-status.ts'

const gitea: GithubLike = {
  path: '/api/v1',
  accept: 'application/json',
  scheme: 'token',
  // `skipped` is known to the newest versions only, so it is not used.
  states: {
    pending: 'pending',
    running: 'pending',
    passed: 'success',
    failed: 'failure',
    'timed-out': 'failure',
    errored: 'error',
    cancelled: 'failure',
    skipped: 'success',
  },
  describe: (description) => clip(description, 255),
}

/** Writes a commit status: `POST /repos/{owner}/{repo}/statuses/{sha}` of the instance's own API description. */
export function giteaStatus(status: StatusToWrite): HttpRequest | undefined {
  return githubLikeStatus(status, gitea)
}
