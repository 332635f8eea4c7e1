import { ConfigError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import { gitFailure } from './git-failure.ts'
import type { InCommit } from './in-commit.ts'
import { runGit } from './run-git.ts'

/** More than the largest repositories have; a few kilobytes of trees that name each other can stand for billions. */
const mostFiles = 1_000_000

/**
 * Adds up what a checkout of a commit would write, before anything is written.
 * @throws ConfigError beyond `bytes`, or beyond a million files
 */
export async function checkTreeSize(commit: InCommit, bytes: number): Promise<void> {
  const { parts, folder, sha, doing, signal } = commit
  let total = 0
  let files = 0
  let rest = ''
  const onOutput = (chunk: Buffer) => {
    const entries = (rest + chunk.toString('latin1')).split('\0')
    rest = entries.pop() ?? ''
    for (const entry of entries) total += Number(/^\d+ blob [0-9a-f]+ +(\d+)\t/.exec(entry)?.[1] ?? 0)
    files += entries.length
    if (files > mostFiles) throw tooMany(doing)
    if (total > bytes) throw tooLarge(doing, bytes)
  }
  const args = ['ls-tree', '-r', '-l', '-z', '--full-tree', '--end-of-options', `${sha}^{commit}`]
  const { ok, stderr } = await runGit({ args, folder, doing, signal, ms: parts.limits.ms, onOutput })
  if (!ok) throw gitFailure({ doing, stderr, secrets: [] })
}

/** Also where `.git`, submodules or git-lfs bring a checkout over its limit. */
export function tooLarge(doing: string, bytes: number): ConfigError {
  return new ConfigError(`${doing}: expected at most ${formatSize(bytes)} to upload, got more`, {
    hint: 'Make the repository smaller, or raise limits.upload_bytes in the host file.',
  })
}

function tooMany(doing: string): ConfigError {
  return new ConfigError(`${doing}: expected at most ${mostFiles} files, got more`, {
    hint: 'Such a tree is made to fill a disk; if it is not, split the repository.',
  })
}
