/** Secrets by scope and name: `host` for all repositories, or a repository's key such as `github:owner/name`. */
export type Vault = {
  /** Names and values are checked. @throws ConfigError without the value in it */
  set(scope: string, name: string, value: string): Promise<void>
  /** Whether there was one. */
  remove(scope: string, name: string): Promise<boolean>
  /** Sorted; Mayfly's own among them. */
  names(scope: string): Promise<string[]>
  /** Undefined where there is none. @throws ConfigError where the key does not fit */
  get(scope: string, name: string): Promise<string | undefined>
  /**
   * Values of the secrets that a job names, the repository's own before the host's; those that exist in neither are
   * left out. A local repository has none but its own. Mayfly's own (`mayfly:...`) are never given to a job.
   */
  resolve(repository: string, names: readonly string[]): Promise<Record<string, string>>
}
