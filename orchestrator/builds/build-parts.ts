import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { LimitName } from '../../config/limits/named-limits.ts'
import type { Bus } from '../bus/bus.ts'
import type { Mirror } from '../git/mirror.ts'
import type { Build, BuildJob } from '../model/build.ts'
import type { Repository } from '../model/repository.ts'
import type { Store } from '../model/store.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { StatusOutbox } from '../statuses/status-outbox.ts'
import type { HostCapacity } from './host-capacity.ts'

/** What builds are made and moved with. */
export type BuildParts = {
  readonly store: Store
  readonly queue: JobQueue
  readonly mirror: Mirror
  readonly bus: Bus
  readonly outbox: StatusOutbox
  /** Default image, resources and pipeline file, and the images of the host file. */
  readonly host: HostConfig
  /**
   * The hosts that were heard of in the last 30 days, there or away; empty where none is known, and then nothing is
   * refused for its size.
   */
  readonly hostCapacity: () => Promise<readonly HostCapacity[]>
  /**
   * Labels of each host that was ever heard of, alive or not; empty where none is known, and then nothing is refused for
   * its labels.
   * @defaultValue those of `hostCapacity`
   */
  readonly knownLabels?: () => Promise<readonly (readonly string[])[]>
  /**
   * The commit that a ref such as `refs/heads/main` points to now, full hex; asked where the forge did not say it.
   * Throws ConfigError where there is no such ref.
   */
  readonly resolveRef: (repository: Repository, ref: string) => Promise<string>
  /** Address of a page, for the links of statuses. */
  readonly pageUrl: (page: { build: string } | { job: string } | { repository: string }) => string
  readonly now: () => Date
  /** A new ULID in lower case. */
  readonly newId: () => string
  readonly log: Logger
  /** Hears of each limit that a build or a job of it reached, by its key in the host file. */
  readonly onLimit?: (limit: LimitName) => void
  /** Hears where a build stands as a whole, more than once if need be; what it throws is tried again. */
  readonly onBuild?: (build: Build, jobs: readonly BuildJob[]) => Promise<void>
  /**
   * Milliseconds to wait before each further try where the commit could not be fetched; forges announce commits
   * before all of their servers have them.
   * @defaultValue 1 s and 5 s
   */
  readonly fetchDelays?: readonly number[]
}
