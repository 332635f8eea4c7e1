import type { Logger } from 'pino'
import type { Vault } from '../secrets/vault.ts'
import type { InMirror } from './mirror-folder.ts'

export type GitLimits = {
  /** Of one mirror, and of one checkout with its submodules. */
  readonly bytes: number
  /** Milliseconds for one call of git, a fetch among them. */
  readonly ms: number
  /** Of a file that is read out of a commit. */
  readonly fileBytes: number
}

/** What everything in this folder works with. */
export type GitParts = {
  readonly dataFolder: string
  readonly vault: Pick<Vault, 'get'>
  readonly limits: GitLimits
  readonly log: Logger
  /**
   * Brings a commit that somebody submitted into the mirror of its local repository; undefined where there are none.
   * @throws ConfigError where it is kept no longer, InfraError where it cannot be had now
   */
  readonly bringSubmitted?: ((key: string, at: InMirror) => Promise<void>) | undefined
}
