import { withLock } from '../../images/lock.ts'
import type { SubmittedFiles } from '../archive/submitted-files.ts'
import { sweepCheckouts } from '../git/checkouts.ts'
import type { GitParts } from '../git/git-parts.ts'
import { mirroredHere } from '../git/prune-mirrors.ts'
import type { Store } from '../model/store.ts'
import { submissionsLock } from './filenames.ts'
import { pruneSubmissions, type Retention, retention } from './prune-submissions.ts'

type Options = {
  readonly git: GitParts
  readonly archive: SubmittedFiles
  readonly store: Pick<Store, 'builds'>
  /** @defaultValue `retention` */
  readonly keep?: Retention
  readonly now: () => Date
}

/** Removes old submissions, from the archive and from this host's mirrors. What goes wrong is logged. */
export type Pruning = {
  /** Those of all local repositories; for the start, and now and then. */
  all(signal: AbortSignal): Promise<void>
  /** Those of one, in what `locked` runs. */
  one(key: string, signal: AbortSignal): Promise<void>
  /** Runs alone on this host for a repository. */
  locked<T>(key: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

export function createPruning({ git, archive, store, keep = retention, now }: Options): Pruning {
  /** What is not removed now is removed the next time: no reason to fail what it comes after. */
  const one: Pruning['one'] = async (key, signal) => {
    try {
      const removed = await pruneSubmissions({ parts: git, archive, store, key, keep, now, signal })
      if (removed > 0) git.log.info({ repository: key, removed }, 'old submissions removed')
    } catch (err) {
      git.log.warn({ err, repository: key }, 'old submissions could not be removed')
    }
  }
  const locked: Pruning['locked'] = (key, signal, work) =>
    withLock({ path: submissionsLock(git.dataFolder, key), signal }, work)
  return {
    one,
    locked,
    async all(signal) {
      try {
        await sweepCheckouts(git.dataFolder)
        const here = (await mirroredHere(git.dataFolder)).filter((key) => key.startsWith('local:'))
        for (const key of new Set([...here, ...(await archive.submittedTo())]))
          await locked(key, signal, () => one(key, signal))
      } catch (err) {
        if (!signal.aborted) git.log.warn({ err }, 'old submissions could not be looked for')
      }
    },
  }
}
