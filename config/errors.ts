/**
 * What went wrong outside the user's own step, decided without asking the guest.
 * `config` is the pipeline's fault, `image` to `host-lost` are ours, the machine's or the host's.
 */
export const failureClasses = [
  'config',
  'image',
  'boot',
  'guest-panic',
  'guest-oom',
  'machine-died',
  'ssh-lost',
  'upload',
  'collect',
  'host-disk-full',
  'host-lost',
] as const

export type FailureClass = (typeof failureClasses)[number]

type ErrorDetails = {
  /** The way out, as one sentence. */
  readonly hint?: string | undefined
  /** The lines that show it, as a console or a log had them: cleaned, not yet masked, not yet cut. */
  readonly evidence?: readonly string[] | undefined
  readonly cause?: unknown
}

/** Common ground of the three families; `message` says what was expected and what was found. */
abstract class MayflyError extends Error {
  readonly hint: string | undefined
  readonly evidence: readonly string[]

  constructor(message: string, { hint, evidence = [], cause }: ErrorDetails = {}) {
    super(message, { cause })
    this.name = new.target.name
    this.hint = hint
    this.evidence = evidence
  }
}

/** One thing wrong in a file, as an editor wants it. Lines and columns count from 1. */
export type Problem = {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** The user's file, flag or word is wrong: exit 2, never retried. */
export class ConfigError extends MayflyError {
  readonly problems: readonly Problem[]

  constructor(message: string, details: ErrorDetails & { problems?: readonly Problem[] } = {}) {
    super(message, details)
    this.problems = details.problems ?? []
  }
}

/** We, the machine or the host failed: verdict `errored`, exit 3, retried within a bound. */
export class InfraError extends MayflyError {
  readonly class: FailureClass

  constructor(failure: FailureClass, message: string, details: ErrorDetails = {}) {
    super(message, details)
    this.class = failure
  }
}

/** A step of the user's said no: verdict `failed`, exit 1, never retried by itself. */
export class JobError extends MayflyError {
  readonly step: string
  readonly exitCode: number | undefined

  constructor(message: string, details: ErrorDetails & { step: string; exitCode?: number }) {
    super(message, details)
    this.step = details.step
    this.exitCode = details.exitCode
  }
}
