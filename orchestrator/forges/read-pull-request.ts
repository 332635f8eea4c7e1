import type { PullRequest } from '../model/trigger.ts'
import { firstLine } from './first-line.ts'
import type { Reading } from './forge.ts'
import { isRefName, isShortSha, isWholeSha } from './git-names.ts'

export type PullRequestDelivery = {
  readonly pullRequest: PullRequest
  /** Head of the pull request; Bitbucket says its first twelve digits only. */
  readonly sha: string
  /** Where the forge keeps the head in the target repository. */
  readonly ref: string
  readonly title: string
  readonly author: string
  readonly actor: string
  readonly cloneUrl: string | undefined
}

/** A pull request to build; ignored where what it says of itself cannot be fetched. */
export function readPullRequest(delivery: PullRequestDelivery): Reading {
  const { pullRequest, sha, ref, title, author, actor, cloneUrl } = delivery
  const { targetSha } = pullRequest
  if (!isRefName(ref)) return ignored(`expected the name of a ref, got ${JSON.stringify(ref.slice(0, 80))}`)
  if (!isWholeSha(sha) && !isShortSha(sha))
    return ignored(
      `expected the head of pull request ${pullRequest.number}, got ${JSON.stringify(sha.slice(0, 80))}`,
    )
  const wholeTarget = targetSha !== undefined && isWholeSha(targetSha) ? targetSha.toLowerCase() : undefined
  return {
    kind: 'trigger',
    cloneUrl,
    trigger: {
      event: 'pull_request',
      sha: sha.toLowerCase(),
      ref,
      branch: pullRequest.targetBranch,
      tag: undefined,
      title: firstLine(title),
      author: author || actor,
      actor: actor || author,
      before: wholeTarget,
      pullRequest: { ...pullRequest, targetSha: wholeTarget },
      inputs: {},
    },
  }
}

function ignored(reason: string): Reading {
  return { kind: 'ignored', reason }
}
