import { createHmac, randomUUID } from 'node:crypto'

/** Secrets of every repository that a whole server's tests register. */
export const secrets = { webhook: 'webhook-secret', token: 'status-token' }

/** A push to a repository; on `main` unless `ref` says otherwise. */
export type Push = {
  readonly name: string
  readonly cloneUrl: string
  readonly sha: string
  readonly ref?: string
  readonly title?: string
}

/** One call of the webhook. */
export type Call = {
  readonly body: string
  readonly event: string
  /** GitHub's own id of it. */
  readonly id: string
  /** The header's value; undefined for none at all. */
  readonly signature: string | undefined
  readonly contentType: string
  /** Beside those of GitHub. */
  readonly headers: Readonly<Record<string, string>>
}

/** A GitHub webhook as it goes over the wire; right in everything that is not given. */
export function githubCall(call: Partial<Call>) {
  const { body = '{}', event = 'push', id = randomUUID(), contentType = 'application/json' } = call
  const signature = 'signature' in call ? call.signature : signatureOf(body)
  const own = { 'content-type': contentType, 'x-github-event': event, 'x-github-delivery': id }
  const headers = { ...own, ...call.headers }
  return {
    ...{ path: '/webhooks/github', method: 'POST', body },
    headers: signature === undefined ? headers : { ...headers, 'x-hub-signature-256': signature },
  }
}

export function signatureOf(body: string, secret = secrets.webhook): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

/** GitHub's push payload. @see https://docs.github.com/en/webhooks/webhook-events-and-payloads#push */
export function pushOf({ name, cloneUrl, sha, ref = 'refs/heads/main', title = 'A change' }: Push): object {
  return {
    ...{ ref, before: '0'.repeat(40), after: sha, created: true, deleted: /^0+$/.test(sha), forced: false },
    repository: repositoryOf(name, cloneUrl),
    pusher: { name: 'octo', email: 'octo@example.org' },
    sender: { login: 'octo' },
    head_commit: { id: sha, message: title, author: { name: 'Octo', email: 'octo@example.org' } },
    commits: [],
  }
}

/** GitHub's pull request payload, of a branch of the same repository. */
export function pullRequestOf({ name, cloneUrl, sha }: Push, action: string): object {
  const repo = repositoryOf(name, cloneUrl)
  return {
    ...{ action, number: 7, sender: { login: 'octo' }, repository: repo },
    pull_request: {
      ...{ number: 7, title: 'A change', html_url: 'https://forge.invalid/pull/7', state: 'open' },
      user: { login: 'octo' },
      head: { ref: 'main', sha, repo },
      base: { ref: 'main', sha, repo },
    },
  }
}

function repositoryOf(name: string, cloneUrl: string): object {
  const parts = { name: name.split('/')[1], default_branch: 'main', clone_url: cloneUrl, fork: false }
  return { ...parts, full_name: name, id: 1 }
}
