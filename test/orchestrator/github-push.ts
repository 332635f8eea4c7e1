import { createHash, createHmac } from 'node:crypto'
import { createRequire } from 'node:module'

export type SignedPush = { readonly headers: Readonly<Record<string, string>>; readonly body: Buffer }

type Push = {
  /** `owner/name` */
  readonly repository: string
  readonly secret: string
  /** Each number is a delivery and a commit of its own; the same one is the same delivery again. */
  readonly number: number
}

/**
 * A push as GitHub sends it, about 8 KB, signed. Its message says `[skip ci]`: it is worked on to its verdict without
 * a clone, which a server with no forge behind it could only fail.
 */
export function githubPush({ repository, secret, number }: Push): SignedPush {
  const sha = createHash('sha1').update(String(number)).digest('hex')
  const commit = { ...example.commits[0], id: sha, message: `Change ${number} [skip ci]`, added: paths }
  const payload = {
    ...example,
    after: sha,
    commits: [commit],
    head_commit: commit,
    repository: { ...example.repository, full_name: repository },
  }
  const body = Buffer.from(JSON.stringify(payload))
  return {
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-delivery': `${sha.slice(0, 8)}-0000-4000-8000-${String(number).padStart(12, '0')}`,
      'x-github-event': 'push',
      'x-github-hook-id': '292430182',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
    },
  }
}

type Example = { commits: readonly object[]; repository: object }

const events = createRequire(import.meta.url)('@octokit/webhooks-examples') as {
  name: string
  examples: Example[]
}[]

const example = events
  .filter(({ name }) => name === 'push')
  .flatMap(({ examples }) => examples)
  .find(({ commits }) => commits.length > 0) as Example

const paths = Array.from({ length: 8 }, (_, index) => `packages/core/source/a-file-that-changed-${index}.ts`)
