import { constants } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { syncPath } from '../../images/atomic-file.ts'
import { readSubmissionName, submissionName, submissionsFolder, submissionsOf } from './filenames.ts'

export type KeptSubmission = {
  /** Of the submission: a ULID in lower case, which says when it came. */
  readonly id: string
  /** Its commit, full hex. */
  readonly sha: string
  readonly bytes: number
}

/**
 * What people submitted, each a git bundle of one commit, below the key of its local repository: every host gets them
 * from here.
 */
export type SubmittedFiles = {
  /** Durable when it resolves. `file` is its absolute path on this host. */
  keepSubmission(repository: string, submission: Omit<KeptSubmission, 'bytes'>, file: string): Promise<void>
  /** The newest first. */
  submissions(repository: string): Promise<KeptSubmission[]>
  /** Keys of the repositories that have any. */
  submittedTo(): Promise<string[]>
  /** Writes it to `file`, which is not there before; false where it is kept no longer. */
  bringSubmission(repository: string, submission: KeptSubmission, file: string): Promise<boolean>
  removeSubmission(repository: string, submission: KeptSubmission): Promise<void>
  /** Removes what a crash left half written before a time. */
  sweepSubmissions(repository: string, before: Date): Promise<void>
}

/** Ends the name of what is being written. */
const half = '.new'

/** In the folder of an archive that all hosts have, or of the only one. */
export function createSubmittedFiles(archive: string): SubmittedFiles {
  const pathOf = (repository: string, submission: Omit<KeptSubmission, 'bytes'>) =>
    join(submissionsOf(archive, repository), submissionName(submission))
  return {
    keepSubmission: async (repository, submission, file) => {
      const path = pathOf(repository, submission)
      await mkdir(submissionsOf(archive, repository), { recursive: true, mode: 0o700 })
      try {
        await copyFile(file, `${path}${half}`, constants.COPYFILE_FICLONE)
        await syncPath(`${path}${half}`)
        await rename(`${path}${half}`, path)
      } catch (error) {
        await rm(`${path}${half}`, { force: true })
        throw error
      }
      await syncPath(submissionsOf(archive, repository))
    },
    submissions: async (repository) => {
      const folder = submissionsOf(archive, repository)
      const kept: KeptSubmission[] = []
      for (const name of (await namesIn(folder)).sort().reverse()) {
        const submission = readSubmissionName(name)
        const found = await stat(join(folder, name)).catch(ifThere)
        if (submission !== undefined && found !== undefined) kept.push({ ...submission, bytes: found.size })
      }
      return kept
    },
    submittedTo: async () => (await namesIn(submissionsFolder(archive))).map(decodeURIComponent),
    bringSubmission: async (repository, submission, file) =>
      await copyFile(pathOf(repository, submission), file, constants.COPYFILE_FICLONE).then(
        () => true,
        (error) => ifThere(error) ?? false,
      ),
    removeSubmission: async (repository, submission) => {
      await rm(pathOf(repository, submission), { force: true })
    },
    sweepSubmissions: async (repository, before) => {
      const folder = submissionsOf(archive, repository)
      for (const name of (await namesIn(folder)).filter((one) => one.endsWith(half))) {
        const found = await stat(join(folder, name)).catch(ifThere)
        if (found !== undefined && found.mtime < before) await rm(join(folder, name), { force: true })
      }
    },
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(ifThere)) ?? []
}

function ifThere(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}
