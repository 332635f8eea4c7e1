import type { StatusState } from '../forges/forge.ts'
import type { Repository } from '../model/repository.ts'

/** How a commit is doing, as it is to be told its forge. Holds no secret. */
export type Status = {
  /** Of which build, where it is of one. */
  readonly build?: string
  readonly repository: Repository
  readonly sha: string
  /** Such as `refs/heads/main`. */
  readonly ref: string
  readonly context: string
  readonly state: StatusState
  readonly description: string
  /** The job's page. */
  readonly url: string
}
