import type { Reading } from '../forge.ts'
import { isRepositoryName } from '../git-names.ts'
import { parseWith } from '../parse-with.ts'
import { readPullRequest } from '../read-pull-request.ts'
import { readPush } from '../read-push.ts'
import type { PullRequestPayload, PushPayload } from './github-payloads.ts'
import { namedPayload, pullRequestPayload, pushPayload } from './github-payloads.ts'

/** Events of GitHub, and of Gitea and Forgejo, which took over the shape of its payloads. */
export function readGithubLike({ event, body }: { event: string; body: unknown }): readonly Reading[] {
  if (event === 'ping') return [{ kind: 'ping' }]
  if (event === 'push') {
    const push = parseWith(pushPayload, 'a push', body)
    return [push.ok ? readGithubPush(push.value) : ignored(push.reason)]
  }
  if (event === 'pull_request') {
    const pull = parseWith(pullRequestPayload, 'a pull request', body)
    return [pull.ok ? readGithubPullRequest(pull.value) : ignored(pull.reason)]
  }
  return [ignored(`the event ${JSON.stringify(event.slice(0, 80))} starts no builds`)]
}

export function githubLikeName(body: unknown): string | undefined {
  const named = namedPayload.safeParse(body)
  const name = named.data?.repository.full_name
  return name !== undefined && isRepositoryName(name) ? name : undefined
}

function readGithubPush({
  ref,
  before,
  after,
  deleted,
  head_commit,
  pusher,
  sender,
  repository,
}: PushPayload): Reading {
  // The push of an annotated tag has the tag's own hash in `after`; the commit is what gets built.
  const commit = ref.startsWith('refs/tags/') ? (head_commit?.id ?? after) : after
  return readPush({
    ref,
    before: before ?? undefined,
    after: deleted === true ? undefined : commit,
    message: head_commit?.message ?? '',
    author: head_commit?.author?.username || head_commit?.author?.name || '',
    actor: sender?.login || pusher?.login || pusher?.name || '',
    cloneUrl: repository.clone_url ?? undefined,
  })
}

// Gitea says `synchronized` where GitHub says `synchronize`.
const built = ['opened', 'synchronize', 'synchronized', 'reopened']

function readGithubPullRequest({
  action,
  pull_request: pull,
  sender,
  repository,
}: PullRequestPayload): Reading {
  const { number, title, head, base, user, html_url } = pull
  if (action === 'closed') return { kind: 'closed', pullRequest: number }
  if (!built.includes(action))
    return ignored(
      `pull request ${number} was ${JSON.stringify(action.slice(0, 80))}, which starts no builds`,
    )
  return readPullRequest({
    pullRequest: {
      number,
      // By name and not by `head.repo.fork`: a repository that is a fork itself has pull requests of its own. The
      // head's repository is null where it was deleted, and then it was not this one.
      fork: head.repo?.full_name !== base.repo.full_name,
      sourceBranch: head.ref,
      targetBranch: base.ref,
      targetSha: base.sha ?? undefined,
      url: html_url ?? '',
    },
    sha: head.sha,
    ref: `refs/pull/${number}/head`,
    title,
    author: user?.login ?? '',
    actor: sender?.login ?? '',
    cloneUrl: repository.clone_url ?? undefined,
  })
}

function ignored(reason: string): Reading {
  return { kind: 'ignored', reason }
}
