import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import type { Logger } from 'pino'
import { ConfigError } from '../../../config/errors.ts'
import type { JobSource } from '../../../runner/job/job-order.ts'
import { directorySource } from '../../../runner/source/directory-source.ts'
import type { ApiClient } from '../../client/api-client.ts'
import { createMirror } from '../../git/create-mirror.ts'
import type { PastJob } from './past-job.ts'
import { tarSource } from './tar-source.ts'

type FetchFiles = {
  readonly past: PastJob
  readonly dataFolder: string
  /** bytes */
  readonly limit: number
  /** `--clone`: a clone on this computer. */
  readonly clone: string | undefined
  readonly client: ApiClient
  readonly onNote: (note: string) => void
  readonly log: Logger
  readonly signal: AbortSignal
}

type Fetched = JobSource & { release(): Promise<void> }

/** One call of git, a fetch among them; ms */
const gitMs = 10 * 60_000
const mirrorBytes = 16 * 2 ** 30

/**
 * The files of a past job: those of its commit, out of a clone on this computer where one has it, or else from where the
 * server has it from; those that were submitted from the server itself.
 */
export async function fetchFiles(fetch: FetchFiles): Promise<Fetched> {
  const { past, limit, onNote } = fetch
  const { files, context } = past
  switch (files.kind) {
    case 'folder': {
      const now = await headOf(files.directory)
      onNote(
        `the files are those of ${files.directory} as they are now${now === context.sha ? '' : `; the job ran at ${context.sha.slice(0, 12) || 'no commit'}`}`,
      )
      return {
        ...directorySource({ directory: files.directory, limits: { bytes: limit } }),
        release: async () => undefined,
      }
    }
    case 'submitted':
      return await download(fetch)
    case 'commit':
      return await checkOut(fetch, files.repository)
  }
}

async function download({ past, client, signal }: FetchFiles): Promise<Fetched> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-repro-'))
  const release = () => rm(folder, { recursive: true, force: true })
  const file = join(folder, 'files.tar')
  try {
    await client.download(`/jobs/${encodeURIComponent(past.id)}/files`, file, signal)
    return { ...tarSource(file), release }
  } catch (error) {
    await release()
    throw error
  }
}

type Registered = Extract<PastJob['files'], { kind: 'commit' }>['repository']

async function checkOut(fetch: FetchFiles, repository: Registered): Promise<Fetched> {
  const { past, dataFolder, limit, clone, onNote, log, signal } = fetch
  const { sha, ref } = past.context
  const limits = { bytes: mirrorBytes, ms: gitMs, fileBytes: 2 ** 20 }
  // A private repository's token stays with the server: a clone on this computer has its own way in.
  const mirror = createMirror({ dataFolder, limits, log, vault: { get: async () => undefined } })
  const registered = { ...repository, ...restOfRepository }
  const local = await localClone(clone, sha)
  onNote(
    local === undefined
      ? `fetching ${sha.slice(0, 12)} from ${repository.cloneUrl}`
      : `commit ${sha.slice(0, 12)} is in ${local}`,
  )
  await mirror.fetch({ ...registered, cloneUrl: local ?? repository.cloneUrl }, { sha, ref }, signal)
  return await mirror.source(registered, { sha, ref }, { bytes: limit }, signal)
}

/** What of a registered repository decides about builds, of which there are none here. */
const restOfRepository = {
  apiUrl: undefined,
  pipelineFile: undefined,
  images: undefined,
  limits: { running: undefined, queued: 1, matrix: 1 },
  defaultBranch: 'main',
  created: '',
  from: 'api',
} as const

/** Top of the clone that has the commit: the one that is named, or the one around the current folder. */
async function localClone(named: string | undefined, sha: string): Promise<string | undefined> {
  const folder = resolve(named ?? '.')
  const has = await git(folder, ['cat-file', '-e', `${sha}^{commit}`])
  if (has !== undefined)
    return (await git(folder, ['rev-parse', '--path-format=absolute', '--git-common-dir']))?.trim()
  if (named === undefined) return undefined
  throw new ConfigError(`expected a clone with commit ${sha.slice(0, 12)} in ${folder}, found none`, {
    hint: 'git fetch there, or leave --clone away',
  })
}

async function headOf(folder: string): Promise<string> {
  return (await git(folder, ['rev-parse', '--verify', '--quiet', 'HEAD']))?.trim() ?? ''
}

async function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  const { exitCode, stdout } = await execa('git', ['-C', folder, ...args], { reject: false, timeout: 30_000 })
  return exitCode === 0 ? stdout : undefined
}
