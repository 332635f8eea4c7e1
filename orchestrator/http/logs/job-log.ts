import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { consoleName, jobFolderPath, logName } from '../../../runner/job/filenames.ts'
import type { BuildJob } from '../../model/build.ts'
import { attemptId } from '../../worker/attempt-id.ts'

/** One of the two byte streams of an attempt at a job, as files on this host. */
export type JobLog = {
  readonly folder: string
  readonly name: string
  readonly file: string
}

type Which = { archiveFolder: string; job: Pick<BuildJob, 'id' | 'attempt'>; stream: 'log' | 'console' }

/** Where an attempt's log or console lies. Ids come from our own store, never from a URL. */
export function jobLog({ archiveFolder, job, stream }: Which): JobLog {
  const folder = jobFolderPath(archiveFolder, attemptId(job))
  const name = stream === 'log' ? logName : consoleName
  return { folder, name, file: join(folder, name) }
}

/** Bytes so far; 0 for a job that has not begun. */
export async function logSize({ file }: JobLog): Promise<number> {
  try {
    return (await stat(file)).size
  } catch {
    return 0
  }
}
