import { open } from 'node:fs/promises'
import { readSubmissionName, submissionName, submissionsFolder, submissionsOf } from '../filenames.ts'
import type { KeptSubmission, SubmittedFiles } from '../submitted-files.ts'
import type { ObjectStore } from './object-store.ts'

const spanBytes = 8 * 2 ** 20

/** In a bucket. Nothing of it waits on a host: whoever submits learns that the bucket is away. */
export function createSubmittedObjects(store: ObjectStore): SubmittedFiles {
  const start = (repository: string) => `${submissionsOf('', repository)}/`
  const keyOf = (repository: string, submission: Omit<KeptSubmission, 'bytes'>) =>
    `${start(repository)}${submissionName(submission)}`
  return {
    keepSubmission: (repository, submission, file) => store.putFile(keyOf(repository, submission), file),
    submissions: async (repository) => {
      const kept: KeptSubmission[] = []
      for await (const { key, bytes } of store.list(start(repository))) {
        const submission = readSubmissionName(key.slice(start(repository).length))
        if (submission !== undefined) kept.unshift({ ...submission, bytes })
      }
      return kept
    },
    submittedTo: async () => {
      const keys: string[] = []
      for await (const name of store.folders(`${submissionsFolder('')}/`)) keys.push(decodeURIComponent(name))
      return keys
    },
    bringSubmission: async (repository, submission, path) => {
      const file = await open(path, 'wx', 0o600)
      try {
        for (let at = 0; at < submission.bytes; at += spanBytes) {
          const span = { start: at, end: Math.min(at + spanBytes, submission.bytes) }
          const bytes = await store.get(keyOf(repository, submission), span)
          if (bytes === undefined) return false
          await file.appendFile(bytes)
        }
        return true
      } finally {
        await file.close()
      }
    },
    removeSubmission: (repository, submission) => store.remove(keyOf(repository, submission)),
    // An object is there whole or not at all.
    sweepSubmissions: async () => undefined,
  }
}
