import { firstLine } from './first-line.ts'
import type { Reading } from './forge.ts'
import { isRefName, isWholeSha, isZeroSha } from './git-names.ts'

export type Push = {
  /** Such as `refs/heads/main`. */
  readonly ref: string
  /** The commit before; zeros or undefined for a new ref. */
  readonly before: string | undefined
  /** The commit after; zeros or undefined for a deleted ref. */
  readonly after: string | undefined
  readonly message: string
  readonly author: string
  readonly actor: string
  readonly cloneUrl: string | undefined
}

/** A push to a branch or of a tag, in words that are the same for every forge; deletions and odd refs are ignored. */
export function readPush(push: Push): Reading {
  const { ref, after, before, actor, cloneUrl } = push
  if (!isRefName(ref)) return ignored(`expected the name of a ref, got ${quoted(ref)}`)
  if (after === undefined || isZeroSha(after)) return ignored(`${ref} was deleted`)
  if (!isWholeSha(after)) return ignored(`expected the commit that ${ref} moved to, got ${quoted(after)}`)
  const branch = below('refs/heads/', ref)
  const tag = below('refs/tags/', ref)
  if (branch === undefined && tag === undefined) return ignored(`${ref} is neither a branch nor a tag`)
  return {
    kind: 'trigger',
    cloneUrl,
    trigger: {
      event: tag === undefined ? 'push' : 'tag',
      sha: after.toLowerCase(),
      ref,
      branch,
      tag,
      title: firstLine(push.message),
      author: push.author || actor,
      actor: actor || push.author,
      before:
        before !== undefined && isWholeSha(before) && !isZeroSha(before) ? before.toLowerCase() : undefined,
      pullRequest: undefined,
      inputs: {},
    },
  }
}

function below(prefix: string, ref: string): string | undefined {
  return ref.startsWith(prefix) ? ref.slice(prefix.length) : undefined
}

function ignored(reason: string): Reading {
  return { kind: 'ignored', reason }
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 80))
}
