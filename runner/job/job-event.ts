import type { FailureClass } from '../../config/errors.ts'
import type { ImageProvenance } from '../../images/image.ts'
import type { EgressRecord } from '../egress/egress-record.ts'
import type { MilestoneKind } from '../logs/console-milestones.ts'
import type { ConsoleFindingKind } from '../logs/console-patterns.ts'
import type { MachineFacts } from '../machine/machine.ts'
import type { ResourceUse } from './resource-use.ts'
import type { Phase, Verdict } from './verdict.ts'

/**
 * Everything that happens to a job, in order, on one timeline. `at` is milliseconds since the job was claimed.
 * `mayfly run` prints them, `--json` writes them, the job's folder keeps all but `log` and `console`, whose
 * bytes are in files of their own.
 */
export type JobEvent = { readonly at: number } & (
  | { readonly type: 'phase-started'; readonly phase: Phase }
  | { readonly type: 'phase-ended'; readonly phase: Phase; readonly ms: number }
  /** What the machine will start from. */
  | { readonly type: 'image'; readonly image: ImageProvenance }
  | { readonly type: 'machine'; readonly facts: MachineFacts }
  | { readonly type: 'gate'; readonly name: string; readonly ms: number }
  | { readonly type: 'note'; readonly message: string }
  | { readonly type: 'step-started'; readonly index: number; readonly name: string; readonly offset: number }
  | {
      readonly type: 'step-ended'
      readonly index: number
      readonly name: string
      readonly status: 'passed' | 'failed' | 'timed-out' | 'errored' | 'cancelled'
      readonly exitCode: number | undefined
      readonly ms: number
      /** bytes of the log after this step */
      readonly offset: number
    }
  | { readonly type: 'step-skipped'; readonly index: number; readonly name: string }
  /**
   * What the job took of the host since it began; of memory the most since the sample before. What came since then is
   * of `step`, where there is one.
   */
  | ({ readonly type: 'sample'; readonly step: number | undefined } & ResourceUse)
  | { readonly type: 'artifact'; readonly path: string; readonly bytes: number }
  /** What it did over its egress proxy; `learned` is the allow-list for that, where a policy is in audit mode. */
  | {
      readonly type: 'egress'
      readonly records: readonly EgressRecord[]
      readonly learned: readonly string[] | undefined
    }
  /** What a line of the console says of the machine, or how far its boot has come. */
  | {
      readonly type: 'finding'
      readonly kind: ConsoleFindingKind | MilestoneKind
      readonly sentence: string
      /** At most 300 characters. */
      readonly line: string
    }
  /** Bytes of the job's log; `step` is undefined for Mayfly's own lines. */
  | { readonly type: 'log'; readonly step: number | undefined; readonly data: Buffer }
  | { readonly type: 'console'; readonly data: Buffer }
  | {
      readonly type: 'verdict'
      readonly verdict: Verdict
      readonly failure: FailureClass | undefined
      /** One sentence: what happened, in which phase. */
      readonly reason: string | undefined
      readonly hint: string | undefined
      /** The lines that show it, at most 8 of at most 300 characters. */
      readonly evidence: readonly string[]
    }
)

/** A `JobEvent` of any type before its time is known. */
export type UntimedJobEvent = JobEvent extends infer E ? (E extends JobEvent ? Omit<E, 'at'> : never) : never
