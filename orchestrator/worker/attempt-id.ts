import type { BuildJob } from '../model/build.ts'

/** Names one attempt at a job: its folder, its machine, its `MAYFLY_JOB_ID`. */
export function attemptId({ id, attempt }: Pick<BuildJob, 'id' | 'attempt'>): string {
  return `${id}-${attempt}`
}

/** Names of all attempts at a job that there may have been. */
export function attemptIds({ id, attempt }: Pick<BuildJob, 'id' | 'attempt'>): string[] {
  return Array.from({ length: attempt }, (_, index) => attemptId({ id, attempt: index + 1 }))
}
