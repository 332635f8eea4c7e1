import type { Preparation } from '../machine/machine.ts'

/** The `setup` of a job: what its result depends on beside the machine, and who may have that result. */
export type Setup = {
  /** In their order. */
  readonly scripts: readonly string[]
  readonly shell: string
  /** Digest of what `setup_files` names, see `readSetupFiles`. */
  readonly files: string
  /** What its scripts find; nothing in it tells one build from another. */
  readonly preparation: Preparation
  /** Whether it has no way out although the machine has. @defaultValue false */
  readonly isOffline?: boolean
  /** Milliseconds after which its result counts no more. */
  readonly maxAge: number
  readonly access: SetupAccess
  /** Whose it is, should its result be kept. */
  readonly by: { readonly build: string; readonly job: string }
}

/** Which checkpoints a job may start from, and whether it may leave one. */
export type SetupAccess = {
  /** The checkpoints of one repository are for its own builds. */
  readonly scope: string
  /** Those of all scopes count, for somebody who owns the data folder. */
  readonly readsAll: boolean
  /** False for code of somebody who could not push it here. */
  readonly mayKeep: boolean
}
