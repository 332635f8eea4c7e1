import { access, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { commitRef } from './filenames.ts'
import { gitFailure } from './git-failure.ts'
import type { GitParts } from './git-parts.ts'
import { runGit } from './run-git.ts'
import { folderSize } from './watch-size.ts'

export type InMirror = {
  readonly parts: GitParts
  readonly folder: string
  readonly sha: string
  readonly signal: AbortSignal
}

/** Only a commit with a name of ours is known to be whole: a broken fetch leaves objects behind too. */
export async function hasCommit({ parts, folder, sha, signal }: InMirror): Promise<boolean> {
  if (!(await exists(join(folder, 'HEAD')))) return false
  // Git would say the same, for some milliseconds of a process; it packs those that are old.
  if (await exists(join(folder, commitRef(sha)))) return true
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', commitRef(sha)]
  const found = await runGit({ args, folder, doing: 'looking for a commit', signal, ms: parts.limits.ms })
  return found.ok
}

/** Makes the mirror where there is none: beside its place and moved there, so that half of it is never seen. */
export async function makeMirror({ parts, folder, sha, signal }: InMirror): Promise<void> {
  if (await exists(join(folder, 'HEAD'))) return
  const part = `${folder}.part`
  await rm(part, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
  await mkdir(part, { recursive: true, mode: 0o700 })
  const format = sha.length === 64 ? 'sha256' : 'sha1'
  const args = ['init', '--quiet', '--bare', '--template=', `--object-format=${format}`]
  const doing = 'making a mirror'
  const made = await runGit({ args, folder: part, doing, signal, ms: parts.limits.ms })
  if (!made.ok) throw gitFailure({ doing, stderr: made.stderr, secrets: [] })
  await rename(part, folder)
}

/** What a git that was killed left. Only for who holds the mirror's lock: nobody else writes there then. */
export async function removeLeftovers(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const left = names.filter((name) => /(?:^|\/)(?:tmp_(?:pack|idx|rev|obj)_[^/]*|[^/]*\.lock)$/.test(name))
  for (const name of left) await rm(join(folder, name), { force: true, recursive: true })
}

/**
 * Takes a commit that was too large out again, so that the mirror stays of use to the others. Where that does not
 * help, because it grew too large over time, it is removed: the next fetch makes it anew.
 */
export async function shrinkMirror({ parts, folder, sha, signal }: InMirror): Promise<void> {
  const call = { folder, doing: 'shrinking a mirror', signal, ms: parts.limits.ms }
  await runGit({ ...call, args: ['update-ref', '-d', commitRef(sha)] })
  await runGit({ ...call, args: ['gc', '--quiet', '--prune=now'] })
  const { bytes } = parts.limits
  if ((await folderSize(folder, bytes)) > bytes) await rm(folder, { recursive: true, force: true })
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
