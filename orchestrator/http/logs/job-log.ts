import type { AttemptFiles } from '../../../runner/job/attempt-files.ts'
import { consoleName, logName } from '../../../runner/job/filenames.ts'
import type { Archive } from '../../archive/archive.ts'
import type { BuildJob } from '../../model/build.ts'
import { attemptId } from '../../worker/attempt-id.ts'

/** One of the two byte streams of an attempt at a job. */
export type JobLog = {
  readonly files: AttemptFiles
  readonly name: string
}

type Which = {
  archive: Pick<Archive, 'files'>
  job: Pick<BuildJob, 'id' | 'attempt'>
  stream: 'log' | 'console'
}

/** An attempt's log or console. Ids come from our own store, never from a URL. */
export function jobLog({ archive, job, stream }: Which): JobLog {
  return { files: archive.files(attemptId(job)), name: stream === 'log' ? logName : consoleName }
}

/** Bytes so far; 0 for a job that has not begun. */
export async function logSize({ files, name }: JobLog): Promise<number> {
  return (await files.size(name)) ?? 0
}
