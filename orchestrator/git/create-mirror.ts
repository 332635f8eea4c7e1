import { repositoryKey } from '../model/repository.ts'
import { changedFiles } from './changed-files.ts'
import { fetchCommit } from './fetch-commit.ts'
import type { GitParts } from './git-parts.ts'
import { inCommit } from './in-commit.ts'
import { jobSource } from './job-source.ts'
import type { Mirror } from './mirror.ts'
import { whileUsed } from './mirror-use.ts'
import { readCommit } from './read-commit.ts'
import { readFileAt } from './read-file.ts'
import { shareWork } from './share-work.ts'

/** Mirrors in the data folder. Several processes may share it: a fetch takes a lock, reading says that it does. */
export function createMirror(parts: GitParts): Mirror {
  const share = shareWork()
  return {
    async fetch(repository, commit, signal) {
      const key = `${repositoryKey(repository)} ${commit.sha} ${commit.ref}`
      await share(key, signal, (shared) => fetchCommit({ parts, repository, commit, signal: shared }))
    },
    async readFile(repository, sha, path, signal) {
      return await whileUsed({ parts, repository, commit: { sha, ref: undefined }, signal }, () =>
        readFileAt(inCommit({ parts, repository, sha, signal }), path),
      )
    },
    async changedFiles(repository, from, to, signal) {
      return await whileUsed({ parts, repository, commit: { sha: to, ref: undefined }, signal }, () =>
        changedFiles({ parts, repository, from, to, signal }),
      )
    },
    async commitInfo(repository, sha, signal) {
      return await whileUsed({ parts, repository, commit: { sha, ref: undefined }, signal }, () =>
        readCommit(inCommit({ parts, repository, sha, signal })),
      )
    },
    async source(repository, commit, limits, signal) {
      return await whileUsed({ parts, repository, commit, signal }, () =>
        jobSource({ parts, repository, commit, limits, signal }),
      )
    },
  }
}
