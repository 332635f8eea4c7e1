import type { JobSource } from '../../runner/job/job-order.ts'
import type { Repository } from '../model/repository.ts'

/** A commit and the full name by which it is known, such as `refs/heads/main`. `sha` is full hex. */
export type Commit = { readonly ref: string; readonly sha: string }

/**
 * This host's copies of the repositories, from which pipeline files and the trees of jobs are read. Who reads of a
 * commit that is not there has it fetched, and what `fetch` throws.
 */
export type Mirror = {
  /**
   * Brings a commit into the host's bare mirror of the repository. Does nothing where it is there.
   * @throws ConfigError where the commit is gone, the repository too large, access refused
   * @throws InfraError `upload` where the server does not answer in time or breaks off, `host-disk-full`
   */
  fetch(repository: Repository, commit: Commit, signal: AbortSignal): Promise<void>
  /**
   * A file's text at a commit; undefined where there is none.
   * @throws ConfigError for what is no file, no UTF-8 or too large
   */
  readFile(
    repository: Repository,
    sha: string,
    path: string,
    signal: AbortSignal,
  ): Promise<string | undefined>
  /**
   * Paths that differ between the trees of two commits; undefined where it can't be told, because there is no `from`
   * or it is gone.
   */
  changedFiles(
    repository: Repository,
    from: string | undefined,
    to: string,
    signal: AbortSignal,
  ): Promise<string[] | undefined>
  commitInfo(
    repository: Repository,
    sha: string,
    signal: AbortSignal,
  ): Promise<{ title: string; message: string; author: string }>
  /**
   * The tree at a commit with a `.git` of its own: the last 50 commits and the tags on them, `origin` without
   * credentials, a branch checked out by its name. `limits.bytes` bounds what is put on disk.
   * `release` removes it; so does the next call after the process that made it has died.
   */
  source(
    repository: Repository,
    commit: Commit,
    limits: { bytes: number },
    signal: AbortSignal,
  ): Promise<JobSource & { release(): Promise<void> }>
}
