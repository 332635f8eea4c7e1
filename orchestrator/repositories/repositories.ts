import type { NotifyTarget, RepositoryNetwork } from '../../config/host/host-config.ts'
import type { Repository, RepositoryLimits, Schedule } from '../model/repository.ts'

/** What registers a repository; what is left out gets the default that docs/host-file.md names. */
export type Registration = Pick<Repository, 'forge' | 'name' | 'cloneUrl'> &
  RegistrationChange & {
    /** Secrets for the vault; a webhook secret is made where none is given. Never shown again. */
    readonly secrets?: RegistrationSecrets | undefined
  }

/** What can be changed of a repository. */
export type RegistrationChange = {
  readonly cloneUrl?: string | undefined
  readonly apiUrl?: string | undefined
  readonly pipelineFile?: string | undefined
  readonly images?: readonly string[] | undefined
  readonly network?: RepositoryNetwork | undefined
  readonly limits?: { readonly [K in keyof RepositoryLimits]?: RepositoryLimits[K] | undefined } | undefined
  readonly defaultBranch?: string | undefined
  readonly submodules?: boolean | undefined
  readonly lfs?: boolean | undefined
  readonly schedules?: readonly Schedule[] | undefined
  /** Who is told of its builds; a signing secret is made where there is none. */
  readonly notify?: readonly NotifyTarget[] | undefined
}

export type RegistrationSecrets = {
  readonly webhook?: string | undefined
  readonly token?: string | undefined
  readonly clone?: string | undefined
  readonly notification?: string | undefined
}

/** A repository as it is registered now, and the secrets that Mayfly made for it: to be shown now or never. */
export type Registered = { readonly repository: Repository } & MadeSecrets

/** Undefined where there was one, or no need of one. */
export type MadeSecrets = {
  readonly webhookSecret: string | undefined
  readonly notificationSecret: string | undefined
}

/** What a reading of the host file changed, by key. */
export type Synced = {
  readonly added: readonly Registered[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
  /** Secrets made for these, whether they were added or changed. */
  readonly made: readonly Registered[]
}

/** The repositories that may start builds here. Keys are `forge:owner/name`. */
export type Repositories = {
  /** @throws ConfigError where it is registered already, or something in it is wrong; nothing is kept then */
  add(registration: Registration): Promise<Registered>
  /**
   * Changes what is given; undefined where there is no such repository.
   * @throws ConfigError where the host file registers it, or something in it is wrong
   */
  change(key: string, change: RegistrationChange): Promise<Registered | undefined>
  /**
   * Forgets a repository and its secrets; whether there was one. Its builds stay.
   * @throws ConfigError where the host file registers it
   */
  remove(key: string): Promise<boolean>
  get(key: string): Promise<Repository | undefined>
  list(): Promise<Repository[]>
  /**
   * Makes the host file's repositories what the host file says: new ones are added, those that have gone from it
   * removed with their secrets, secret files read anew. To be called at start.
   * @throws ConfigError where a secret file cannot be read
   */
  syncHostFile(): Promise<Synced>
}
