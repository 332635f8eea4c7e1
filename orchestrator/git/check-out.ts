import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readCloneUrl } from '../../config/clone-url.ts'
import type { Repository } from '../model/repository.ts'
import { branchOf, tagOf } from './check-names.ts'
import { commitRef } from './filenames.ts'
import { type GitAccess, noAccess } from './git-environment.ts'
import { gitFailure } from './git-failure.ts'
import type { InCommit } from './in-commit.ts'
import { runGit } from './run-git.ts'

/** Commits of history in a job's `.git`: enough to look back and for `git describe`, whatever the age of the project. */
export const historyDepth = 50

/**
 * Makes a repository of its own in an empty folder: the commit, its last 50 ancestors and their tags out of the
 * mirror, `origin` at the clone URL (a local repository has none), and the working tree. A branch is checked out by its name, all else detached.
 */
export async function checkOut(order: {
  /** Where it comes from. */
  from: InCommit
  /** The empty folder. */
  tree: string
  repository: Repository
  ref: string
  signal: AbortSignal
}): Promise<void> {
  const { from, tree, repository, ref, signal } = order
  const git = async (args: readonly string[], access: GitAccess = noAccess): Promise<void> => {
    const { ms } = from.parts.limits
    const { ok, stderr } = await runGit({ args, folder: tree, doing: from.doing, access, signal, ms })
    if (!ok) throw gitFailure({ doing: from.doing, stderr, secrets: [] })
  }
  const branch = branchOf(ref)
  const format = from.sha.length === 64 ? 'sha256' : 'sha1'
  await git(['init', '--quiet', '--template=', `--object-format=${format}`, '--initial-branch=main'])
  // What git would write itself, one process for each line of it.
  if (repository.forge !== 'local') {
    await appendFile(join(tree, '.git', 'config'), originConfig(repository, ref))
  }
  if (branch !== undefined) await writeFile(join(tree, '.git', 'HEAD'), `ref: ${ref}\n`)
  await git(
    ['fetch', '--quiet', '--no-write-fetch-head', '--no-auto-maintenance', `--depth=${historyDepth}`]
      .concat('--update-head-ok', '--end-of-options', from.folder)
      .concat(refspecs(from.sha, ref)),
    fromMirror,
  )
  if (branch === undefined) await git(['update-ref', '--no-deref', 'HEAD', `${from.sha}^{commit}`])
  await git(['reset', '--quiet', '--hard'])
}

/** `origin`, and what a branch follows there. */
function originConfig({ cloneUrl }: Repository, ref: string): string {
  const branch = branchOf(ref)
  const sections = [
    `[remote "origin"]\n\turl = ${quoted(readCloneUrl(cloneUrl).url)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n`,
    ...(branch === undefined
      ? []
      : [`[branch ${quoted(branch)}]\n\tremote = origin\n\tmerge = ${quoted(ref)}\n`]),
  ]
  return sections.join('')
}

/** As git-config(1) reads it, whatever is in it; no value has a line break, which checkRef and the URL see to. */
function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`
}

/** The mirror's objects were checked when they came. */
const fromMirror: GitAccess = { transports: ['file'], config: [['fetch.fsckObjects', 'false']] }

/** A commit needs some name to be fetched to; the one it has on the server, where that is a branch or a tag. */
function refspecs(sha: string, ref: string): string[] {
  const branch = branchOf(ref)
  if (branch !== undefined)
    return [`refs/remotes/origin/${branch}`, ref].map((name) => `${commitRef(sha)}:${name}`)
  return [
    tagOf(ref) === undefined
      ? `${commitRef(sha)}:refs/remotes/origin/HEAD-of-job`
      : `+${commitRef(sha)}:${ref}`,
  ]
}
