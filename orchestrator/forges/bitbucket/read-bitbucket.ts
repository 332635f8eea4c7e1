import type { Reading } from '../forge.ts'
import { parseWith } from '../parse-with.ts'
import { readPullRequest } from '../read-pull-request.ts'
import { readPush } from '../read-push.ts'
import type { PullRequestPayload, PushPayload } from './bitbucket-payloads.ts'
import { pullRequestPayload, pushPayload } from './bitbucket-payloads.ts'

export const pullRequestEvents: Readonly<Record<string, 'build' | 'close'>> = {
  'pullrequest:created': 'build',
  'pullrequest:updated': 'build',
  'pullrequest:fulfilled': 'close',
  'pullrequest:rejected': 'close',
}

/** One push may move several refs, and has a reading for each of them. */
export function readBitbucket({ event, body }: { event: string; body: unknown }): readonly Reading[] {
  if (event === 'diagnostics:ping') return [{ kind: 'ping' }]
  if (event === 'repo:push') {
    const push = parseWith(pushPayload, 'a push', body)
    return push.ok ? readChanges(push.value) : [ignored(push.reason)]
  }
  const meaning = Object.hasOwn(pullRequestEvents, event) ? pullRequestEvents[event] : undefined
  if (meaning === undefined)
    return [ignored(`the event ${JSON.stringify(event.slice(0, 80))} starts no builds`)]
  const pull = parseWith(pullRequestPayload, 'a pull request', body)
  if (!pull.ok) return [ignored(pull.reason)]
  if (meaning === 'close') return [{ kind: 'closed', pullRequest: pull.value.pullrequest.id }]
  return [readBitbucketPullRequest(pull.value)]
}

function readChanges({ push, actor, repository }: PushPayload): readonly Reading[] {
  if (push.changes.length === 0) return [ignored('the push changed no ref')]
  return push.changes.map((change) => {
    const named = change.new ?? change.old
    const kind = named?.type === 'tag' || named?.type === 'annotated_tag' ? 'tags' : 'heads'
    return readPush({
      ref: `refs/${kind}/${named?.name ?? ''}`,
      before: change.old?.target?.hash,
      after: change.new?.target?.hash,
      message: change.new?.target?.message ?? '',
      author: authorName(change.new?.target?.author?.raw ?? ''),
      actor: actor?.nickname || actor?.display_name || '',
      cloneUrl: cloneUrl(repository.full_name),
    })
  })
}

// There is no `Name <address>` without the name in front, and nobody's address belongs on a page.
function authorName(raw: string): string {
  return raw.replace(/\s*<[^>]*>\s*$/, '')
}

function readBitbucketPullRequest({ pullrequest: pull, actor, repository }: PullRequestPayload): Reading {
  const { id, title, source, destination, author, links } = pull
  // Bitbucket keeps no ref of a pull request in the target repository: a fork's commits are in the fork alone.
  if (source.repository?.full_name !== repository.full_name)
    return ignored(
      `pull request ${id} comes from ${source.repository?.full_name ?? 'a deleted repository'}, and Bitbucket keeps no ref of a fork's pull request to fetch`,
    )
  return readPullRequest({
    pullRequest: {
      number: id,
      fork: false,
      sourceBranch: source.branch.name,
      targetBranch: destination.branch.name,
      targetSha: destination.commit?.hash,
      url: links?.html?.href ?? '',
    },
    sha: source.commit?.hash ?? '',
    ref: `refs/heads/${source.branch.name}`,
    title,
    author: author?.nickname || author?.display_name || '',
    actor: actor?.nickname || actor?.display_name || '',
    cloneUrl: cloneUrl(repository.full_name),
  })
}

// Payloads name no clone URL.
function cloneUrl(name: string): string {
  return `https://bitbucket.org/${name}.git`
}

function ignored(reason: string): Reading {
  return { kind: 'ignored', reason }
}
