import { mkdir } from 'node:fs/promises'
import { ConfigError } from '../../config/errors.ts'
import { checkTreeSize } from '../git/check-tree-size.ts'
import { commitRef } from '../git/filenames.ts'
import { type GitAccess, noAccess } from '../git/git-environment.ts'
import { gitFailure } from '../git/git-failure.ts'
import type { GitParts } from '../git/git-parts.ts'
import { runGit } from '../git/run-git.ts'
import { watchSize } from '../git/watch-size.ts'
import { readBundleHead } from './read-bundle-head.ts'
import { bundleTooLarge } from './receive-bundle.ts'

const fromFile: GitAccess = { transports: ['file'], config: [] }

/**
 * Unpacks a bundle into a repository of its own, from which nothing is run or checked out: it is only a place to look
 * whether there is a commit of a bearable size. That it is sound is seen when it is fetched from there.
 * @throws ConfigError for a bundle that is no such thing
 */
export async function openBundle(order: {
  parts: GitParts
  /** The bundle. */
  file: string
  /** Made; holds the commit under `commitRef` afterwards. */
  quarantine: string
  bytes: number
  signal: AbortSignal
}): Promise<{ ref: string; sha: string }> {
  const { parts, file, quarantine, bytes } = order
  const doing = 'reading a submission'
  const { ref, sha } = await readBundleHead(file)
  await mkdir(quarantine, { mode: 0o700 })
  const size = watchSize({
    ...order,
    folder: quarantine,
    limit: bytes,
    tooLarge: () => bundleTooLarge(bytes),
  })
  const { signal } = size
  const git = async (args: readonly string[], access = noAccess) => {
    const { ok, stdout, stderr } = await runGit({
      ...{ args, folder: quarantine, doing, access, signal },
      ms: parts.limits.ms,
    })
    if (!ok) throw unreadable(doing, stderr)
    return stdout.toString('utf8').trim()
  }
  try {
    const format = sha.length === 64 ? 'sha256' : 'sha1'
    await git(['init', '--quiet', '--bare', '--template=', `--object-format=${format}`])
    const flags = [
      '--quiet',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-tags',
      '--end-of-options',
    ]
    await git(['fetch', ...flags, file, `${ref}:${commitRef(sha)}`], fromFile)
    const type = await git(['cat-file', '-t', sha])
    if (type !== 'commit') throw new ConfigError(`expected a commit in the submission, got a ${type}`)
    await checkTreeSize({ parts, folder: quarantine, sha, doing, signal }, bytes)
    await size.check()
  } finally {
    size.end()
  }
  return { ref, sha }
}

/** A server cannot be at fault here, as gitFailure has it for some of these words: it is the file. */
function unreadable(doing: string, stderr: string): Error {
  const failure = gitFailure({ doing, stderr, secrets: [] })
  if (failure instanceof ConfigError || failure.class === 'host-disk-full') return failure
  const words = stderr
    .replaceAll(/[\r\n]+/g, '; ')
    .replaceAll(/\p{Cc}/gu, '')
    .slice(0, 300)
  return new ConfigError(`${doing}: expected a bundle that git can read, got ${words || 'no reason'}`, {
    hint: 'It may have been cut short on its way: submit it again.',
  })
}
