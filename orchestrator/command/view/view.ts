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
  /** The machine of a job that failed is kept; and is not any more, and why. */
  kept(kept: ViewedKept): void
  keptOver(why: string): void
  /** The machine of a job that failed is parked. */
  parked(parked: ViewedParked): void
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

export type ViewedParked = {
  /** Id of the job. */
  readonly job: string
  /** What it takes on disk. */
  readonly bytes: number
  /** Command line that resumes it and leads into it. */
  readonly debug: string
}

export type ViewedKept = {
  /** Id of the job. */
  readonly job: string
  /** What failed, in lines of plain text. */
  readonly greeting: string
  /** ISO 8601; undefined where it stays as long as its shell. */
  readonly until: string | undefined
  /** Whether a shell in it takes this very terminal now. */
  readonly inShell: boolean
  /** Command lines that lead into it. */
  readonly debug: string
  readonly ssh: string
}
