import { join } from 'node:path'
import { jobFolderPath } from '../../runner/job/filenames.ts'

/** Every name of the archive stands here; those inside a job's folder in runner/job/filenames.ts. */
export const buildsFolder = (archive: string): string => join(archive, 'builds')
export const buildFolderPath = (archive: string, id: string): string => join(buildsFolder(archive), safe(id))

/** Folder of one attempt at a job; where it runs, and where it is kept. */
export const attemptFolderPath = (archive: string, attempt: string): string =>
  jobFolderPath(archive, safe(attempt))

/** The build's record with those of its jobs, written anew as a whole each time. */
export const buildRecordName = 'record.json'

/** Beside it: how the build, or a job of it, stood after a change. */
export const changesFolder = (archive: string, build: string): string =>
  join(buildFolderPath(archive, build), 'changes')
export const changeName = (of: string, revision: number): string => `${safe(of)}.${revision}.json`

/** Which build or job a change is of; undefined for another file, such as one that is being written. */
export function readChangeName(name: string): { of: string; revision: number } | undefined {
  const [, of, revision] = /^(.+)\.(\d+)\.json$/.exec(name) ?? []
  return of === undefined ? undefined : { of, revision: Number(revision) }
}

/** Beside it: what others were told of the build, a line for each time. */
export const toldName = 'told.jsonl'

/** Deliveries that were accepted, a file for each day (UTC, `2026-01-31`) that they came on. */
export const deliveriesFolder = (archive: string): string => join(archive, 'deliveries')
/** UTC, `2026-01-31`. */
export const dayOf = (at: Date): string => at.toISOString().slice(0, 10)
export const deliveryFileName = (day: string): string => `${day}.jsonl`
export const deliveryDay = (name: string): string | undefined => /^(\d{4}-\d\d-\d\d)\.jsonl$/.exec(name)?.[1]

/** Repositories, sealed secrets, hashes of tokens and opt-ins. */
export const registerPath = (archive: string): string => join(archive, 'register.json')

/** Git bundles that people submitted, below the key of their local repository, percent-encoded: it has a slash. */
export const submissionsFolder = (archive: string): string => join(archive, 'submissions')
export const submissionsOf = (archive: string, repository: string): string =>
  join(submissionsFolder(archive), encodeURIComponent(repository))
export const submissionName = ({ id, sha }: { id: string; sha: string }): string =>
  `${safe(id)}.${safe(sha)}.bundle`
/** Undefined for another file, such as one that is being written. */
export function readSubmissionName(name: string): { id: string; sha: string } | undefined {
  const [, id, sha] = /^(\w+)\.([0-9a-f]+)\.bundle$/.exec(name) ?? []
  return id === undefined || sha === undefined ? undefined : { id, sha }
}

/** Folders are removed by these names, so none may lead elsewhere, whatever is in Redis. */
function safe(id: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(id)) return id
  throw new RangeError(`expected an id of letters, digits, '.', '_' and '-', got ${JSON.stringify(id)}`)
}
