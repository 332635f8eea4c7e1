import type { OnImageProgress } from '../../../images/image-progress.ts'
import type { JobEvent } from '../../../runner/job/job-event.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'

/** Whoever watches jobs run: a person at a terminal, a file of plain lines, a program that reads JSON. */
export type View = {
  /** A job begins; gives what shows the progress of its image. */
  job(job: ViewedJob): OnImageProgress
  event(event: JobEvent): void
  skipped(job: string, unmet: readonly string[]): void
  interrupted(): void
  finished(results: readonly Pick<JobRecord, 'name' | 'verdict'>[]): void
  close(): void
}

export type ViewedJob = {
  readonly name: string
  readonly id: string
  /** Absolute path of the job's folder. */
  readonly folder: string
  /** Whether it is the only job of this run. */
  readonly alone: boolean
}
