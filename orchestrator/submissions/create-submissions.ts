import { rm } from 'node:fs/promises'
import type { SubmittedFiles } from '../archive/submitted-files.ts'
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
import { bundleFile, quarantineFolder } from './filenames.ts'
import { keepCommit } from './keep-commit.ts'
import { localRepository } from './local-repository.ts'
import { openBundle } from './open-bundle.ts'
import type { Pruning } from './pruning.ts'
import { diskFull, receiveBundle } from './receive-bundle.ts'
import type { Submission, Submissions } from './submissions.ts'

type Options = {
  readonly git: GitParts
  readonly archive: SubmittedFiles
  readonly store: Pick<Store, 'builds' | 'repositories'>
  readonly builds: Pick<BuildService, 'create'>
  /** Of a bundle and of the tree in it. */
  readonly bytes: number
  readonly pruning: Pruning
  readonly now: () => Date
  /** A new ULID in lower case. */
  readonly newId: () => string
}

/** Submissions that are kept in the archive, as repositories of forge `local`. */
export function createSubmissions(options: Options): Submissions {
  const { git, bytes, pruning } = options
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
        return await pruning.locked(key, signal, async () => {
          const created = await build({ options, submission, commit, file, quarantine, signal })
          await pruning.one(key, signal)
          return created
        })
      } finally {
        await rm(folder, { recursive: true, force: true, maxRetries: 3 })
      }
    },
  }
}

type Build = {
  options: Options
  submission: Submission
  commit: { ref: string; sha: string }
  file: string
  quarantine: string
  signal: AbortSignal
}

async function build({ options, submission, commit, file, quarantine, signal }: Build): Promise<Created> {
  const { git, archive, store, builds, now, newId } = options
  const { sha, ref } = commit
  const fresh = localRepository(submission, now().toISOString())
  const key = repositoryKey(fresh)
  const at = { parts: git, folder: mirrorFolder(git.dataFolder, key), sha, signal }
  await keepCommit({ at, key, quarantine })
  try {
    await archive.keepSubmission(key, { id: newId(), sha }, file)
  } catch (error) {
    throw diskFull(error) ?? error
  }
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
