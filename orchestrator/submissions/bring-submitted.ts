import { rm } from 'node:fs/promises'
import type { SubmittedFiles } from '../archive/submitted-files.ts'
import { makeCheckout } from '../git/checkouts.ts'
import type { GitParts } from '../git/git-parts.ts'
import { notKept } from '../git/not-kept.ts'
import { bundleFile, quarantineFolder } from './filenames.ts'
import { keepCommit } from './keep-commit.ts'
import { openBundle } from './open-bundle.ts'

/** Brings submitted commits from the archive into mirrors of this host, and believes them no more than when they came. */
export function bringSubmitted(
  archive: Pick<SubmittedFiles, 'submissions' | 'bringSubmission'>,
): NonNullable<GitParts['bringSubmitted']> {
  return async (key, at) => {
    const { parts, sha, signal } = at
    const kept = (await archive.submissions(key)).find((submission) => submission.sha === sha)
    if (kept === undefined) throw notKept(sha)
    const { folder } = await makeCheckout(parts.dataFolder)
    const [file, quarantine] = [bundleFile(folder), quarantineFolder(folder)]
    try {
      if (!(await archive.bringSubmission(key, kept, file))) throw notKept(sha)
      await openBundle({ parts, file, quarantine, bytes: parts.limits.bytes, signal })
      await keepCommit({ at, key, quarantine })
    } finally {
      await rm(folder, { recursive: true, force: true, maxRetries: 3 })
    }
  }
}
