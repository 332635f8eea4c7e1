import type { BuildJob } from '../model/build.ts'

/** Names one attempt at a job: its folder, its machine, its `MAYFLY_JOB_ID`. */
export function attemptId({ id, attempt }: Pick<BuildJob, 'id' | 'attempt'>): string {
  return `${id}-${attempt}`
}
