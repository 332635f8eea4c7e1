import type { Job } from '../../config/pipeline/pipeline.ts'

/** The index of a job's first step, after those of its setup. */
export function firstStep({ setup }: Pick<Job, 'setup'>): number {
  return setup.length
}
