import type { JobRecord, StepRecord } from './job-record.ts'

/** The step that ended a job, setup among them; undefined where none did. */
export function failedStep({ steps }: Pick<JobRecord, 'steps'>): StepRecord | undefined {
  return steps.find(({ status }) => status !== 'passed' && status !== 'skipped')
}
