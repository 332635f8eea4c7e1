import { rm } from 'node:fs/promises'
import { withLock } from '../../images/lock.ts'
import type { BuildService } from '../builds/build-service.ts'
import type { Created } from '../builds/create-build.ts'
import { branchOf, tagOf } from '../git/check-names.ts'
import { makeCheckout, sweepCheckouts } from '../git/checkouts.ts'
import { mirrorFolder } from '../git/filenames.ts'
import type { GitParts } from '../git/git-parts.ts'
import { readCommit } from '../git/read-commit.ts'
import { repositoryKey } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { Trigger } from '../model/trigger.ts'
import { bundleFile, quarantineFolder, submissionsLock } from './filenames.ts'
import { keepCommit } from './keep-commit.ts'
import { localRepository } from './local-repository.ts'
import { openBundle } from './open-bundle.ts'
import { pruneSubmissions, type Retention, retention } from './prune-submissions.ts'
import { receiveBundle } from './receive-bundle.ts'
import type { Submission, Submissions } from './submissions.ts'

type Options = {
  readonly git: GitParts
  readonly store: Pick<Store, 'builds' | 'repositories'>
  readonly builds: Pick<BuildService, 'create'>
  /** Of a bundle and of the tree in it. */
  readonly bytes: number
  /** @defaultValue `retention` */
  readonly keep?: Retention
  readonly now: () => Date
  /** A new ULID in lower case. */
  readonly newId: () => string
}

/** Submissions that are kept in mirrors, as repositories of forge `local`. */
export function createSubmissions(options: Options): Submissions {
  const { git, store, bytes, keep = retention, now } = options

  const pruneOne = async (key: string, signal: AbortSignal): Promise<void> => {
    const repository = await store.repositories.get(key)
    if (repository === undefined) return
    const removed = await pruneSubmissions({ parts: git, store, repository, keep, now, signal })
    if (removed > 0) git.log.info({ repository: key, removed }, 'old submissions removed')
  }
  /** What is not removed now is removed the next time: no reason to fail what it comes after. */
  const tryToPrune = (key: string, signal: AbortSignal) =>
    pruneOne(key, signal).catch((err: unknown) =>
      git.log.warn({ err, repository: key }, 'old submissions could not be removed'),
    )
  const locked = <T>(key: string, signal: AbortSignal, work: () => Promise<T>) =>
    withLock({ path: submissionsLock(git.dataFolder, key), signal }, work)

  return {
    bytes,
    async submit(submission, bundle, signal) {
      await sweepCheckouts(git.dataFolder)
      const { folder } = await makeCheckout(git.dataFolder)
      const [file, quarantine] = [bundleFile(folder), quarantineFolder(folder)]
      try {
        await receiveBundle({ from: bundle, file, bytes, signal })
        const commit = await openBundle({ parts: git, file, quarantine, bytes, signal })
        const key = repositoryKey(localRepository(submission, ''))
        return await locked(key, signal, async () => {
          const created = await build({ options, submission, commit, quarantine, signal })
          await tryToPrune(key, signal)
          return created
        })
      } finally {
        await rm(folder, { recursive: true, force: true, maxRetries: 3 })
      }
    },
    async prune(signal) {
      try {
        await sweepCheckouts(git.dataFolder)
        for (const repository of await store.repositories.list()) {
          const key = repositoryKey(repository)
          if (repository.forge === 'local') await locked(key, signal, () => tryToPrune(key, signal))
        }
      } catch (err) {
        if (!signal.aborted) git.log.warn({ err }, 'old submissions could not be looked for')
      }
    },
  }
}

type Build = {
  options: Options
  submission: Submission
  commit: { ref: string; sha: string }
  quarantine: string
  signal: AbortSignal
}

async function build({ options, submission, commit, quarantine, signal }: Build): Promise<Created> {
  const { git, store, builds, now, newId } = options
  const { sha, ref } = commit
  const fresh = localRepository(submission, now().toISOString())
  const key = repositoryKey(fresh)
  const at = { parts: git, folder: mirrorFolder(git.dataFolder, key), sha, signal }
  await keepCommit({ at, key, quarantine, id: newId() })
  const known = await store.repositories.get(key)
  if (known === undefined) await store.repositories.put(fresh)
  const repository = { ...(known ?? fresh), ...named(submission.pipelineFile) }
  const { title, author } = await readCommit({ ...at, doing: `reading ${key}` })
  const trigger: Trigger = {
    ...{ event: 'manual', sha, ref, title, author, actor: submission.by, inputs: submission.inputs },
    branch: branchOf(ref),
    tag: tagOf(ref),
    before: undefined,
    pullRequest: undefined,
  }
  return await builds.create({ repository, trigger, only: submission.jobs })
}

function named(pipelineFile: string | undefined) {
  return pipelineFile === undefined ? {} : { pipelineFile }
}
