import type { LeftJob } from '../adoption/take-up-left.ts'
import type { BuildJob } from '../model/build.ts'
import type { WorkerParts } from './worker-parts.ts'

/** Does what a job needs of Redis, however long it is away; see `keepTrying`. */
export type Persist = <T>(what: string, work: () => Promise<T>) => Promise<T>

/** A job that this process has claimed. */
export type Held = {
  readonly parts: WorkerParts
  readonly job: BuildJob
  readonly persist: Persist
  /** Ids of the jobs of this process whose machines outlive it by now. */
  readonly outliving: Set<string>
  /** Of one whose process was killed or stopped. */
  readonly left?: LeftJob | undefined
}
