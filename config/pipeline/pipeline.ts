import type { FailureClass } from '../errors.ts'

/** A pipeline file as the rest of Mayfly sees it: checked, defaults filled in, sizes in bytes, times in milliseconds. */
export type Pipeline = {
  /** The file it came from, as it was named. */
  readonly file: string
  /** In the order of the file. At least one. */
  readonly jobs: readonly Job[]
}

/** One machine's worth of work. */
export type Job = {
  /** `[a-z0-9][a-z0-9_-]{0,62}`; `main` for a job at the top level. */
  readonly name: string
  /** Name in the catalogue; undefined for the host's default image. */
  readonly image: string | undefined
  /** What the job asks for; the rest comes from the image, then from the host. Sizes in bytes. */
  readonly resources: { readonly cpus?: number; readonly memory?: number; readonly disk?: number }
  /** Labels that its host has to have, as written. @defaultValue none */
  readonly runsOn?: readonly string[] | undefined
  readonly env: Readonly<Record<string, string>>
  /** Scripts that run before the upload and see no file but `setupFiles`; run by `shell`. */
  readonly setup: readonly string[]
  /** Paths or globs below the repository's root. */
  readonly setupFiles: readonly string[]
  /** Age at which a checkpoint of the setup is made anew, milliseconds. */
  readonly setupMaxAge: number
  /** At least one. */
  readonly steps: readonly Step[]
  readonly artifacts: readonly Artifact[]
  /** What its machine can reach at the most; single steps may have less. */
  readonly network: NetworkMode
  /** Whether `setup` has no way out although the machine has. @defaultValue false */
  readonly offlineSetup?: boolean | undefined
  /** milliseconds for the whole job */
  readonly timeout: number
  /** Interpreter and flags of `setup`, and of steps that name none. */
  readonly shell: string
  readonly debug: Debug
  /** cloud-config or a `#!` script, merged with the seed's own. */
  readonly userData: string | undefined
  /** Names of jobs that must have passed before. */
  readonly needs: readonly string[]
  readonly matrix: Matrix | undefined
  readonly when: When
  readonly concurrency: Concurrency | undefined
  readonly retry: Retry
  /** -100 to 100; larger is sooner. */
  readonly priority: number
  /** Names of secrets that the steps get as environment variables. */
  readonly secrets: readonly string[]
}

export type Step = {
  /** One printable line of at most 200 characters. */
  readonly name: string
  readonly run: string
  /** milliseconds; undefined for none but the job's own */
  readonly timeout: number | undefined
  /** Interpreter and its flags, such as `sh -e`. */
  readonly shell: string
  /** On top of the job's. */
  readonly env: Readonly<Record<string, string>>
  /** Whether it has no way out although the machine has. @defaultValue false */
  readonly offline?: boolean | undefined
}

export type Artifact = { readonly path: string; readonly when: 'always' | 'success' | 'failure' }

export type NetworkMode = 'none' | 'web' | 'internet'

/** `hold` in milliseconds. */
export type Debug = {
  readonly on: 'failure' | 'always' | 'never'
  readonly how: 'hold' | 'park'
  readonly hold: number
}

/** Every combination of the axes' values without the excluded ones, and the included ones beside them. */
export type Matrix = {
  readonly axes: Readonly<Record<string, readonly string[]>>
  readonly include: readonly Readonly<Record<string, string>>[]
  readonly exclude: readonly Readonly<Record<string, string>>[]
}

export type TriggerEvent = 'push' | 'pull_request' | 'tag' | 'schedule' | 'manual'

/** What has to be so for the job to run; undefined asks for nothing. Branches, tags and paths are globs. */
export type When = {
  readonly event: readonly TriggerEvent[] | undefined
  readonly branch: readonly string[] | undefined
  readonly tag: readonly string[] | undefined
  readonly paths: readonly string[] | undefined
}

/** One job of a group at a time; `cancel` ends the running one when a newer comes. */
export type Concurrency = { readonly group: string; readonly cancel: boolean }

/** Attempts beside the first, and after which infrastructure errors. A failed step is never retried. */
export type Retry = { readonly max: number; readonly on: readonly FailureClass[] }
