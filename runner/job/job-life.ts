import type { ConsoleFindings } from './console-findings.ts'
import type { JobOrder } from './job-order.ts'
import type { Past } from './past.ts'
import type { Sampler } from './sample-machine.ts'
import type { Timeline } from './timeline.ts'
import type { Phase } from './verdict.ts'

/** A job under way: what its phases share. */
export type JobLife = {
  readonly order: JobOrder
  readonly timeline: Timeline
  readonly sampler: Sampler
  readonly console: ConsoleFindings
  /** What another process did of it before; undefined for a job that begins here. */
  readonly past: Past | undefined
  /** Bytes of the output of the step under way that the other process heard. */
  readonly heard: number
  /** Absolute path of the job's artifacts on this host. */
  readonly artifacts: string
  /** Aborted by the job's cancellation and by its time limit. */
  readonly signal: AbortSignal
  readonly phase: <T>(phase: Phase, run: () => Promise<T>) => Promise<T>
}
