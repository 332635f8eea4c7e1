import { apiUrl } from '../api-url.ts'
import { clip } from '../clip.ts'
import type { HttpRequest, StatusState, StatusToWrite } from '../forge.ts'

/** What differs between the forges that took over GitHub's `POST /repos/{owner}/{repo}/statuses/{sha}`. */
export type GithubLike = {
  readonly known?: { readonly host: string; readonly url: string }
  /** Where the API is on a host of one's own. */
  readonly path: string
  /** Media type of its answers. */
  readonly accept: string
  /** Scheme before the token in the header Authorization. */
  readonly scheme: 'Bearer' | 'token'
  readonly headers?: Readonly<Record<string, string>>
  readonly states: Readonly<Record<StatusState, string>>
  /** The description as the forge takes it. */
  readonly describe: (description: string) => string
}

/** A commit status in GitHub's form. Undefined where the address of the API cannot be known. */
export function githubLikeStatus(status: StatusToWrite, forge: GithubLike): HttpRequest | undefined {
  const { repository, token, sha, context, state, description, url } = status
  const { known, path, accept, scheme, headers, states, describe } = forge
  const target = apiUrl({
    repository,
    ...(known === undefined ? {} : { known }),
    path,
    segments: ['repos', ...repository.name.split('/'), 'statuses', sha],
  })
  if (target === undefined) return undefined
  return {
    method: 'POST',
    url: target,
    headers: {
      accept,
      authorization: `${scheme} ${token}`,
      'content-type': 'application/json',
      ...headers,
    },
    body: JSON.stringify({
      state: states[state],
      target_url: url,
      description: describe(description),
      context: clip(context, 255),
    }),
  }
}
