import { setTimeout as sleep } from 'node:timers/promises'
import { ConfigError, InfraError } from '../../config/errors.ts'
import { parsePipeline } from '../../config/pipeline/parse-pipeline.ts'
import type { Pipeline } from '../../config/pipeline/pipeline.ts'
import type { Repository } from '../model/repository.ts'
import type { Trigger } from '../model/trigger.ts'
import type { BuildParts } from './build-parts.ts'
import { isForkBuild } from './fork-policy.ts'
import { skipCi } from './skip-ci.ts'

/** Milliseconds for all that git does before a build can be planned. */
const patience = 10 * 60_000

type Read = {
  parts: Pick<BuildParts, 'mirror' | 'resolveRef' | 'host' | 'fetchDelays'>
  repository: Repository
  trigger: Trigger
}

/** The pipeline of a commit and what planning it takes, or why there is to be no build. */
export type ReadPipeline =
  | {
      readonly skip: undefined
      readonly pipeline: Pipeline
      readonly changedFiles: readonly string[] | undefined
      readonly reason: string
    }
  | { readonly skip: string }

/**
 * Fetches the commit and reads its pipeline file: for a fork's pull request the target branch's.
 * @throws ConfigError where the file is missing or wrong, InfraError where the commit can't be had
 */
export async function readPipeline({ parts, repository, trigger }: Read): Promise<ReadPipeline> {
  const { mirror } = parts
  const signal = AbortSignal.timeout(patience)
  const skip = skipCi({ trigger })
  if (skip !== undefined) return { skip }
  const fetch: Fetch = (commit) => persist(() => mirror.fetch(repository, commit, signal), parts.fetchDelays)
  await fetch(trigger)
  const { message } = await mirror.commitInfo(repository, trigger.sha, signal)
  const skipByCommit = skipCi({ trigger, message })
  if (skipByCommit !== undefined) return { skip: skipByCommit }
  const target = () => fetchTarget({ parts, repository, trigger, fetch })
  const { sha } = isForkBuild(trigger) ? await target() : trigger
  const file = pipelineFileOf(repository, parts.host)
  const text = await mirror.readFile(repository, sha, file, signal)
  if (text === undefined) throw noFile(file, sha)
  const pipeline = parsePipeline({ file, text })
  const changedFiles = pipeline.jobs.some(({ when }) => when.paths !== undefined)
    ? await findChangedFiles({ mirror, repository, trigger, target, signal })
    : undefined
  return { skip: undefined, pipeline, changedFiles, reason: `${file} read at ${sha.slice(0, 12)}` }
}

type Fetch = (commit: Commit) => Promise<void>
type Commit = { ref: string; sha: string }

/** The path of a repository's pipeline file. */
export function pipelineFileOf(
  repository: Pick<Repository, 'pipelineFile'>,
  host: Pick<BuildParts['host'], 'pipelineFile'>,
): string {
  return repository.pipelineFile ?? host.pipelineFile
}

type FetchTarget = Read & { fetch: Fetch }

// A fork's own file must never stand in for the target's: without the target there is no build.
async function fetchTarget({ parts, repository, trigger, fetch }: FetchTarget): Promise<Commit> {
  const ref = `refs/heads/${trigger.pullRequest?.targetBranch ?? repository.defaultBranch}`
  const sha = trigger.pullRequest?.targetSha ?? (await parts.resolveRef(repository, ref))
  const commit = { ref, sha }
  await fetch(commit)
  return commit
}

type FindChangedFiles = Pick<Read, 'repository' | 'trigger'> & {
  mirror: BuildParts['mirror']
  target: () => Promise<Commit>
  signal: AbortSignal
}

// Not knowing is no reason for no build: the rule for paths is met then.
async function findChangedFiles(find: FindChangedFiles): Promise<readonly string[] | undefined> {
  const { mirror, repository, trigger, target, signal } = find
  try {
    const from = trigger.pullRequest === undefined ? trigger.before : (await target()).sha
    if (from === undefined) return undefined
    return await mirror.changedFiles(repository, from, trigger.sha, signal)
  } catch (error) {
    if (error instanceof ConfigError || error instanceof InfraError) return undefined
    throw error
  }
}

async function persist(work: () => Promise<void>, delays: readonly number[] = [1000, 5000]): Promise<void> {
  for (const delay of delays) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof InfraError)) throw error
      await sleep(delay)
    }
  }
  await work()
}

function noFile(file: string, sha: string): ConfigError {
  return new ConfigError(`${file}: expected a pipeline file at commit ${sha.slice(0, 12)}, found none`, {
    hint: `add ${file} to the root of the repository, or name another file in its registration`,
  })
}
