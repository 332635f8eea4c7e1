import type { Repository } from '../model/repository.ts'
import { fetchCommit } from './fetch-commit.ts'
import type { GitParts } from './git-parts.ts'
import { inCommit } from './in-commit.ts'
import { differingPaths } from './read-commit.ts'
import { runGit } from './run-git.ts'

/**
 * Paths that differ between two commits. The one before may not be an ancestor (a force push, a pull request's
 * target): then it is asked for, and where the server has it no more, nothing can be told.
 */
export async function changedFiles(asked: {
  parts: GitParts
  repository: Repository
  from: string | undefined
  to: string
  signal: AbortSignal
}): Promise<string[] | undefined> {
  const { parts, repository, from, signal } = asked
  const to = inCommit({ parts, repository, sha: asked.to, signal })
  if (from === undefined || /^0*$/.test(from)) return undefined
  const before = inCommit({ parts, repository, sha: from, signal })
  const { folder, doing } = to
  const args = ['cat-file', '-e', `${before.sha}^{commit}`]
  const isThere = await runGit({ args, folder, doing, signal, ms: parts.limits.ms })
  if (!isThere.ok) {
    try {
      await fetchCommit({ parts, repository, commit: { ref: undefined, sha: from }, signal })
    } catch (error) {
      signal.throwIfAborted()
      parts.log.info({ err: error, from }, 'changed files cannot be told')
      return undefined
    }
  }
  return await differingPaths(to, before.sha)
}
