import { ConfigError, type FailureClass, InfraError, JobError } from '../../config/errors.ts'
import type { Verdict } from './verdict.ts'

/** A verdict with the sentence that explains it. */
export type Outcome = {
  readonly verdict: Verdict
  readonly failure: FailureClass | undefined
  readonly reason: string | undefined
  readonly hint: string | undefined
  /** The lines that show it. */
  readonly evidence: readonly string[]
}

export const passed: Outcome = {
  ...{ verdict: 'passed', failure: undefined, reason: undefined, hint: undefined },
  evidence: [],
}

/** The cause with which a job's one signal is aborted from outside. */
export class Cancelled extends Error {
  override readonly name: string = 'Cancelled'
}

/** A time limit that the pipeline file sets, on a step or on the whole job. */
export class TimedOut extends Error {
  override readonly name: string = 'TimedOut'
  readonly hint = 'give it a longer `timeout`, or read in the log where it stood still'
  /** Where it was, once that is known. */
  readonly where: string | undefined
  readonly evidence: readonly string[]

  constructor(message: string, { where, evidence = [] }: TimedOutDetails = {}) {
    super(where === undefined ? message : `${message}, ${where}`)
    this.where = where
    this.evidence = evidence
  }
}

type TimedOutDetails = { readonly where?: string; readonly evidence?: readonly string[] }

/** The one place where an error becomes a verdict. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof JobError) return outcome('failed', undefined, error)
  if (error instanceof InfraError) return outcome('errored', error.class, error)
  if (error instanceof ConfigError) return outcome('errored', 'config', error)
  if (error instanceof TimedOut) return outcome('timed-out', undefined, error)
  if (error instanceof Cancelled) return outcome('cancelled', undefined, error)
  const message = error instanceof Error ? error.message : String(error)
  return {
    verdict: 'errored',
    failure: undefined,
    reason: `an error of Mayfly's own: ${message}`,
    hint: 'please report it, with the job folder',
    evidence: [],
  }
}

function outcome(
  verdict: Verdict,
  failure: FailureClass | undefined,
  error: Error & { hint?: string | undefined; evidence?: readonly string[] },
): Outcome {
  const { message: reason, hint, evidence = [] } = error
  return { verdict, failure, reason, hint, evidence }
}
