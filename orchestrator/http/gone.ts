import type { AttemptFiles } from '../../runner/job/attempt-files.ts'
import { recordName } from '../../runner/job/filenames.ts'
import type { Store } from '../model/store.ts'
import { HttpError, notFound } from './http-error.ts'

type Absent = { store: Pick<Store, 'builds'>; what: 'build' | 'job'; id: string }

/** The answer for a build or job that is not there: 410 where retention removed those of its time, else 404. */
export async function absent({ store, what, id }: Absent): Promise<HttpError> {
  // A job's id begins with its build's, which is a ULID.
  if (!(await store.builds.isPruned(id.slice(0, 26)))) return notFound(what, id)
  return new HttpError(
    410,
    `expected a ${what} that is still kept, got ${JSON.stringify(id.slice(0, 100))}`,
    {
      hint: 'retention.builds in the host file says how long builds are kept',
    },
  )
}

type Part = { files: AttemptFiles; name: string; what: 'logs' | 'artifacts' }

/**
 * Does nothing where a part of an attempt is there, or may still come.
 * @throws HttpError 410 where only the record is left
 */
export async function checkKept({ files, name, what }: Part): Promise<void> {
  if ((await files.isThere(name)) || !(await files.isThere(recordName))) return
  throw new HttpError(410, `expected ${what} that are still kept, got a job whose ${what} were removed`, {
    hint: `retention.${what} in the host file says how long they are kept`,
  })
}
