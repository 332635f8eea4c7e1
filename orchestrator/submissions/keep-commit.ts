import { ConfigError, type InfraError } from '../../config/errors.ts'
import { withLock } from '../../images/lock.ts'
import { commitRef, mirrorLock } from '../git/filenames.ts'
import { gitFailure } from '../git/git-failure.ts'
import { type InMirror, makeMirror, removeLeftovers } from '../git/mirror-folder.ts'
import { runGit } from '../git/run-git.ts'
import { tidyMirror } from '../git/tidy-mirror.ts'

/**
 * Fetches a commit from its quarantine into the mirror of its local repository, where everybody else looks for it.
 * Each object is checked on the way (git-fsck(1)), as with a server's: `.git` and `..` in a tree are refused here.
 */
export async function keepCommit(order: {
  /** `folder` is the mirror's. */
  at: InMirror
  key: string
  quarantine: string
}): Promise<void> {
  const { at, key, quarantine } = order
  const { parts, folder, sha, signal } = at
  const doing = `keeping a submission of ${key}`
  const git = async (args: readonly string[]) => {
    const access = { transports: ['file'], config: [] } as const
    const { ok, stderr } = await runGit({ args, folder, doing, access, signal, ms: parts.limits.ms })
    if (!ok) throw unsound(gitFailure({ doing, stderr, secrets: [] }))
  }
  await withLock({ path: mirrorLock(parts.dataFolder, key), signal }, async () => {
    await makeMirror(at)
    await removeLeftovers(folder)
    const flags = [
      '--quiet',
      '--no-write-fetch-head',
      '--no-auto-maintenance',
      '--no-tags',
      '--end-of-options',
    ]
    await git(['fetch', ...flags, quarantine, `${commitRef(sha)}:${commitRef(sha)}`])
    await tidyMirror(at)
  })
}

/** The other end is our own copy of what was sent: that it breaks off means that the copy is not whole. */
function unsound(failure: ConfigError | InfraError): Error {
  if (failure instanceof ConfigError || failure.class === 'host-disk-full') return failure
  return new ConfigError(failure.message, { hint: 'The submission is broken or hostile and was not taken.' })
}
