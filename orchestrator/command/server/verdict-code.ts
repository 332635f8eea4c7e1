import { exitCodeOfJobs, exitCodes } from '../exit-codes.ts'
import type { ShownBuild } from './print-build.ts'

/** The exit code of a build that has ended; one without jobs has a file that could not be used. */
export function verdictCode({ problem, jobs }: ShownBuild): number {
  if (problem !== undefined) return exitCodes.usage
  return exitCodeOfJobs(
    jobs.map(({ state, failure }) => ({ verdict: state as 'passed', failure: failure as undefined })),
  )
}
