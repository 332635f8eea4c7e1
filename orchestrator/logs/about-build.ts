import type { Logger } from 'pino'
import type { Build } from '../model/build.ts'

/** A log each of whose lines says which build it is about: `build`, and where it is known `repository`. */
export function aboutBuild(
  log: Logger,
  { id, repository }: Pick<Build, 'id'> & Partial<Pick<Build, 'repository'>>,
): Logger {
  return log.child({ build: id, repository })
}
