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

/** Folders are removed by these names, so none may lead elsewhere, whatever is in Redis. */
function safe(id: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$/.test(id)) return id
  throw new RangeError(`expected an id of letters, digits, '.', '_' and '-', got ${JSON.stringify(id)}`)
}
