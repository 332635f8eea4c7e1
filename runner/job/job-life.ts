import type { ConsoleFindings } from './console-findings.ts'
import type { JobOrder } from './job-order.ts'
import type { Sampler } from './sample-machine.ts'
import type { Timeline } from './timeline.ts'
import type { Phase } from './verdict.ts'

/** A job under way: what its phases share. */
export type JobLife = {
  readonly order: JobOrder
  readonly timeline: Timeline
  readonly sampler: Sampler
  readonly console: ConsoleFindings
  /** Absolute path of the job's artifacts on this host. */
  readonly artifacts: string
  /** Aborted by the job's cancellation and by its time limit. */
  readonly signal: AbortSignal
  readonly phase: <T>(phase: Phase, run: () => Promise<T>) => Promise<T>
}
