import type { Reading } from '../forge.ts'
import { parseWith } from '../parse-with.ts'
import { readPullRequest } from '../read-pull-request.ts'
import { readPush } from '../read-push.ts'
import type { MergeRequestPayload, PushPayload } from './gitlab-payloads.ts'
import { kindPayload, mergeRequestPayload, pushPayload } from './gitlab-payloads.ts'

/** GitLab says in the body what kind of event it is; system hooks have no other place for it. */
export function readGitlab({ event, body }: { event: string; body: unknown }): readonly Reading[] {
  const kind = kindPayload.safeParse(body).data?.object_kind ?? ''
  if (kind === 'push' || kind === 'tag_push') {
    const push = parseWith(pushPayload, 'a push', body)
    return [push.ok ? readGitlabPush(push.value) : ignored(push.reason)]
  }
  if (kind === 'merge_request') {
    const merge = parseWith(mergeRequestPayload, 'a merge request', body)
    return [merge.ok ? readMergeRequest(merge.value) : ignored(merge.reason)]
  }
  return [ignored(`the event ${JSON.stringify((kind || event).slice(0, 80))} starts no builds`)]
}

function readGitlabPush(push: PushPayload): Reading {
  const { ref, before, after, checkout_sha, commits, project } = push
  if (skipsCi(push)) return ignored('the push option ci.skip asks for no build')
  // `checkout_sha` is the commit behind an annotated tag, and null for a deleted ref.
  const commit = checkout_sha ?? (isZero(after) ? undefined : after)
  const head = commits?.find(({ id }) => id === commit) ?? commits?.at(-1)
  return readPush({
    ref,
    before: before ?? undefined,
    after: isZero(after) ? undefined : commit,
    message: head?.message ?? push.message ?? '',
    author: head?.author?.name ?? '',
    actor: push.user_username || push.user_name || '',
    cloneUrl: project.git_http_url ?? undefined,
  })
}

// `git push -o ci.skip`; as an object since it first came, as a list of texts in old versions.
function skipsCi({ push_options: options }: PushPayload): boolean {
  if (Array.isArray(options)) return options.includes('ci.skip')
  const skip = options?.ci?.skip
  return skip !== undefined && skip !== null && skip !== false
}

function isZero(sha: string): boolean {
  return /^0+$/.test(sha)
}

function readMergeRequest({ object_attributes: merge, user, project }: MergeRequestPayload): Reading {
  const { iid, action, oldrev, last_commit } = merge
  if (action === 'close' || action === 'merge') return { kind: 'closed', pullRequest: iid }
  // Updates of the title or a label have no `oldrev`; only new commits do.
  const hasCommits = action === 'open' || action === 'reopen' || (action === 'update' && Boolean(oldrev))
  if (!hasCommits)
    return ignored(`merge request ${iid} had ${JSON.stringify(action ?? 'no action')}, without new commits`)
  return readPullRequest({
    pullRequest: {
      number: iid,
      fork: merge.source_project_id !== merge.target_project_id,
      sourceBranch: merge.source_branch,
      targetBranch: merge.target_branch,
      targetSha: undefined,
      url: merge.url ?? '',
    },
    sha: last_commit?.id ?? '',
    ref: `refs/merge-requests/${iid}/head`,
    title: merge.title,
    author: last_commit?.author?.name ?? '',
    actor: user?.username ?? '',
    cloneUrl: project.git_http_url ?? undefined,
  })
}

function ignored(reason: string): Reading {
  return { kind: 'ignored', reason }
}
