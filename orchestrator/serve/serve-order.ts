import type { Logger } from 'pino'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Shelf } from '../../images/shelf.ts'
import type { StartMachine } from '../../runner/job/job-order.ts'
import type { ResumeParked } from '../../runner/resume-on-host.ts'
import type { GitLimits } from '../git/git-parts.ts'

export type ServeOrder = {
  readonly role: 'all' | 'web' | 'worker'
  readonly host: HostConfig
  readonly dataFolder: string
  readonly shelf: Shelf
  readonly env: Readonly<Record<string, string | undefined>>
  readonly log: Logger
  /** How machines come up. @defaultValue QEMU's cold start on this host */
  readonly startMachine?: StartMachine
  /** How parked machines come back. @defaultValue in QEMU on this host */
  readonly resumeParked?: ResumeParked
  /** @defaultValue `limits.repository_bytes` for a mirror, ten minutes for a fetch, 1 MiB for a pipeline file */
  readonly gitLimits?: GitLimits
}
