import type { Logger } from 'pino'
import type { BuildJob } from '../model/build.ts'

/** What is known of a job where something is said about it; at least its id. */
type Known = Pick<BuildJob, 'id'> & Partial<Pick<BuildJob, 'attempt' | 'build' | 'repository'>>

/** A log each of whose lines says which job it is about: `job`, and as far as known `attempt`, `build` and `repository`. */
export function aboutJob(log: Logger, { id, attempt, build, repository }: Known): Logger {
  return log.child({ job: id, attempt, build, repository })
}
