import type { EgressRecord } from '../egress/egress-record.ts'
import type { Counted } from './sample-machine.ts'

/**
 * A line of the progress of a job: how what was heard of its machine became what lies on disk. The next process needs it
 * to go on at the right byte; it is gone with the job.
 */
export type Progress =
  /** With `log` bytes in the log, all that stands in it of a step comes from its first `raw` bytes. */
  | { readonly type: 'heard'; readonly step: number; readonly log: number; readonly raw: number }
  /** A line of ours, `bytes` long, that came at that place of the log in the middle of a step's output. */
  | { readonly type: 'remark'; readonly log: number; readonly bytes: number }
  /** All that went over its egress proxy. */
  | { readonly type: 'egress'; readonly records: readonly EgressRecord[] }
  /** What its last sample was made of. */
  | ({ readonly type: 'counted' } & Counted)

export type LogPlace = {
  /** Bytes of the step's output that need not be heard again, */
  readonly raw: number
  /** and how many bytes of what is made of the rest lie in the log already. */
  readonly skip: number
}

type FindPlace = {
  readonly progress: readonly Progress[]
  readonly step: number
  /** Bytes on disk. */
  readonly size: number
  /** Where the step's output begins in the log. */
  readonly start: number
}

/** Where a step's output is to be taken up. */
export function findPlace({ progress, step, size, start }: FindPlace): LogPlace {
  const heard = progress
    .filter((line) => line.type === 'heard')
    .findLast((line) => line.step === step && line.log <= size && line.log >= start)
  const from = heard?.log ?? start
  return { raw: heard?.raw ?? 0, skip: size - from - remarksIn(progress, { from, to: size }) }
}

/** Bytes of the log's part that are lines of ours in the middle of a step's output. */
export function remarksIn(progress: readonly Progress[], { from, to }: { from: number; to: number }): number {
  return progress
    .filter((line) => line.type === 'remark')
    .filter(({ log }) => log >= from && log < to)
    .reduce((sum, { log, bytes }) => sum + Math.min(bytes, to - log), 0)
}
