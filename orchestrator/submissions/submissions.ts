import type { Created } from '../builds/create-build.ts'

/** What somebody asks for beside the files. */
export type Submission = {
  /** What the folder is called, as in `engine`; becomes the second half of the repository's name. */
  readonly name: string
  /** Path of the pipeline file in it; undefined for the host's usual one. */
  readonly pipelineFile: string | undefined
  /** Only these jobs and what they need; undefined for all. */
  readonly jobs: readonly string[] | undefined
  readonly inputs: Readonly<Record<string, string>>
  /** Name of the caller; becomes the first half of the repository's name. */
  readonly by: string
}

/** Folders that people send from their own computers to be built. */
export type Submissions = {
  /** What a bundle may have at most, and what is in it. */
  readonly bytes: number
  /**
   * Takes a git bundle of one branch and starts a build of its commit. Nothing of it is kept where it is refused.
   * @throws ConfigError for what is no bundle, too large, broken or hostile, and for a job that is not in its file;
   *   InfraError `host-disk-full`
   */
  submit(submission: Submission, bundle: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Created>
}
