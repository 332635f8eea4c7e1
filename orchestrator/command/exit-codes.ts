import { ConfigError, InfraError } from '../../config/errors.ts'
import type { JobRecord } from '../../runner/job/job-record.ts'
import { Cancelled } from '../../runner/job/outcome.ts'

/** What the commands end with. */
export const exitCodes = { passed: 0, failed: 1, usage: 2, infrastructure: 3, interrupted: 130 } as const

/** The exit code of an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return exitCodes.usage
  if (error instanceof Cancelled) return exitCodes.interrupted
  if (error instanceof InfraError)
    return error.class === 'config' ? exitCodes.usage : exitCodes.infrastructure
  return exitCodes.infrastructure
}

/** The exit code of jobs that came to their verdicts: the gravest of them. */
export function exitCodeOfJobs(records: readonly Pick<JobRecord, 'verdict' | 'failure'>[]): number {
  const codes = records.map(({ verdict, failure }) => {
    if (verdict === 'passed' || verdict === 'skipped') return exitCodes.passed
    if (verdict === 'cancelled') return exitCodes.interrupted
    if (verdict === 'errored') return failure === 'config' ? exitCodes.usage : exitCodes.infrastructure
    return exitCodes.failed
  })
  return Math.max(exitCodes.passed, ...codes)
}
