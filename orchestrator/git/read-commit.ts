import { gitFailure } from './git-failure.ts'
import type { InCommit } from './in-commit.ts'
import { runGit } from './run-git.ts'

/** Characters; a message can be as long as its author likes. */
const longestMessage = 64 * 1024

/** First line, whole message and author's name of a commit. */
export async function readCommit({ parts, folder, sha, doing, signal }: InCommit) {
  const format = '--format=%s%x00%an%x00%B'
  const flags = ['-1', '--no-mailmap', '--no-show-signature', '--encoding=UTF-8', format, '--end-of-options']
  const args = ['log', ...flags, `${sha}^{commit}`, '--']
  const { ok, stdout, stderr } = await runGit({ args, folder, doing, signal, ms: parts.limits.ms })
  if (!ok) throw gitFailure({ doing, stderr, secrets: [] })
  const [title = '', author = '', message = ''] = stdout.toString('utf8').split('\0')
  return { title: title.slice(0, 1000), author, message: message.trimEnd().slice(0, longestMessage) }
}

/** Paths that differ between two commits; undefined where git cannot tell, or where they fill 32 MiB. */
export async function differingPaths(to: InCommit, from: string): Promise<string[] | undefined> {
  const { parts, folder, sha, doing, signal } = to
  const flags = ['-r', '-z', '--name-only', '--no-renames', '--no-ext-diff', '--ignore-submodules=none']
  const args = ['diff-tree', ...flags, '--end-of-options', `${from}^{commit}`, `${sha}^{commit}`]
  let length = 0
  const pieces: Buffer[] = []
  const tooMany = new Error('too many changed files')
  const onOutput = (piece: Buffer) => {
    length += piece.length
    if (length > 32 * 1024 ** 2) throw tooMany
    pieces.push(piece)
  }
  try {
    const { ok } = await runGit({ args, folder, doing, signal, ms: parts.limits.ms, onOutput })
    return ok ? Buffer.concat(pieces).toString('utf8').split('\0').slice(0, -1) : undefined
  } catch (error) {
    if (error === tooMany) return undefined
    throw error
  }
}
