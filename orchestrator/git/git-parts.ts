import type { Logger } from 'pino'
import type { Vault } from '../secrets/vault.ts'

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
}
