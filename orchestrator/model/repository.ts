import type { NotifyTarget, RepositoryNetwork } from '../../config/host/host-config.ts'
import type { RepositoryForge } from './forge-name.ts'

/** A repository that may start builds here. Secrets of it are in the vault, by name, never in this record. */
export type Repository = {
  /** `owner/name` as the forge writes it, unique together with the forge. */
  readonly name: string
  readonly forge: RepositoryForge
  /** What git fetches from: https, http, ssh or a path; without credentials. `submitted` for a local one: nothing. */
  readonly cloneUrl: string
  /** Base of the forge's API, such as `https://codeberg.org/api/v1`; undefined for the forge's own. */
  readonly apiUrl: string | undefined
  /** Path of the pipeline file; undefined for the host's. */
  readonly pipelineFile: string | undefined
  /** Images its jobs may use; undefined for all. */
  readonly images: readonly string[] | undefined
  /** Narrows what its host lets its jobs reach; undefined where it does not. */
  readonly network?: RepositoryNetwork | undefined
  readonly limits: RepositoryLimits
  /** Branch whose pipeline file and checkpoints a fork's pull request gets. */
  readonly defaultBranch: string
  readonly submodules: boolean
  readonly lfs: boolean
  /** Builds that start by the clock; undefined for none. */
  readonly schedules?: readonly Schedule[]
  /** Who is told of its builds; undefined for nobody. */
  readonly notify?: readonly NotifyTarget[]
  /** ISO 8601 */
  readonly created: string
  readonly from: 'host-file' | 'api' | 'submission'
}

/** `cron` as crontab(5) writes it, in UTC, with seconds before it where there are six fields. */
export type Schedule = { readonly cron: string; readonly branch: string }

export type RepositoryLimits = {
  /** Jobs of this repository at a time; undefined for as many as fit. */
  readonly running: number | undefined
  /** Of two that have jobs waiting, one with twice the weight gets twice the machine time. @defaultValue 1 */
  readonly weight?: number | undefined
  /** Jobs waiting; more are refused with the reason. */
  readonly queued: number
  /** Jobs that a matrix may make. */
  readonly matrix: number
}

/** Names of the secrets that Mayfly itself needs of a repository, in the vault beside the user's. */
export const repositorySecrets = {
  /** Verifies webhooks. A repository without one is refused. */
  webhook: 'mayfly:webhook',
  /** Writes statuses. */
  token: 'mayfly:token',
  /** Fetches private repositories, as a password over https. */
  clone: 'mayfly:clone',
  /** Signs notifications: `whsec_` and base64 of 24 to 64 bytes. */
  notification: 'mayfly:notification',
} as const

/** The key of a repository in Redis, URLs and folders: `forge:owner/name`. */
export function repositoryKey({ forge, name }: Pick<Repository, 'forge' | 'name'>): string {
  return `${forge}:${name}`
}
