import { repositoryKey } from '../model/repository.ts'
import { changedFiles } from './changed-files.ts'
import { fetchCommit } from './fetch-commit.ts'
import type { GitParts } from './git-parts.ts'
import { inCommit } from './in-commit.ts'
import { jobSource } from './job-source.ts'
import type { Mirror } from './mirror.ts'
import { readCommit } from './read-commit.ts'
import { readFileAt } from './read-file.ts'
import { shareWork } from './share-work.ts'

/** Mirrors in the data folder. Several processes may share it: a fetch takes a lock, reading needs none. */
export function createMirror(parts: GitParts): Mirror {
  const share = shareWork()
  return {
    async fetch(repository, commit, signal) {
      const key = `${repositoryKey(repository)} ${commit.sha} ${commit.ref}`
      await share(key, signal, (shared) => fetchCommit({ parts, repository, commit, signal: shared }))
    },
    async readFile(repository, sha, path, signal) {
      return await readFileAt(inCommit({ parts, repository, sha, signal }), path)
    },
    async changedFiles(repository, from, to, signal) {
      return await changedFiles({ parts, repository, from, to, signal })
    },
    async commitInfo(repository, sha, signal) {
      return await readCommit(inCommit({ parts, repository, sha, signal }))
    },
    async source(repository, commit, limits, signal) {
      return await jobSource({ parts, repository, commit, limits, signal })
    },
  }
}
