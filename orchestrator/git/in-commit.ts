import { type Repository, repositoryKey } from '../model/repository.ts'
import { checkSha } from './check-names.ts'
import { mirrorFolder } from './filenames.ts'
import type { GitParts } from './git-parts.ts'

/** A commit in a mirror, and what reading from it needs. */
export type InCommit = {
  readonly parts: GitParts
  readonly folder: string
  readonly sha: string
  /** `reading github:owner/name` */
  readonly doing: string
  readonly signal: AbortSignal
}

export function inCommit(of: {
  parts: GitParts
  repository: Repository
  sha: string
  signal: AbortSignal
}): InCommit {
  const { parts, repository, sha, signal } = of
  checkSha(sha)
  const key = repositoryKey(repository)
  return { parts, folder: mirrorFolder(parts.dataFolder, key), sha, doing: `reading ${key}`, signal }
}
