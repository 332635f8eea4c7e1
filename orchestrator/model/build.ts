import type { FailureClass } from '../../config/errors.ts'
import type { Job } from '../../config/pipeline/pipeline.ts'
import type { Verdict } from '../../runner/job/verdict.ts'
import type { OptIn } from '../holds/opt-ins.ts'
import type { Trigger } from './trigger.ts'

/** `waiting` for approval, `queued` until its first job runs, `running`, then the gravest verdict of its jobs. */
export type BuildState = 'waiting' | 'queued' | 'running' | Verdict

/** What one trigger started. Kept as one JSON value; dates are ISO 8601. */
export type Build = {
  /** ULID in lower case: sorts by time. */
  readonly id: string
  /** `forge:owner/name` */
  readonly repository: string
  readonly trigger: Trigger
  readonly pipelineFile: string
  readonly state: BuildState
  /** In the order of the pipeline file. */
  readonly jobs: readonly string[]
  readonly created: string
  readonly started: string | undefined
  readonly ended: string | undefined
  /** Why there are no jobs: file:line:column and what is wrong there, one line for each problem. */
  readonly problem: string | undefined
  readonly delivery: string | undefined
  /** Jobs that were asked for by name; undefined for the whole file. */
  readonly only?: readonly string[]
  /** Whose word let a fork's pull request run, and for which commit. */
  readonly approval: { readonly by: string; readonly at: string; readonly sha: string } | undefined
  /** Grows with each change, so that of two copies the newer one is known; absent before the first. */
  readonly revision?: number
}

/** `blocked` by needs, `queued`, `claimed` by a host, `running` in its machine, then its verdict. */
export type JobState = 'blocked' | 'queued' | 'claimed' | 'running' | Verdict

/** One machine's worth of work of a build. */
export type BuildJob = {
  /** `<build id>-<name>`, unique and fit for a folder, a URL and a queue. */
  readonly id: string
  readonly build: string
  readonly repository: string
  /** Name in the file, with the matrix values of this one: `test-18-debug`. */
  readonly name: string
  /** What to run, matrix values filled in. Holds names of secrets, no values. */
  readonly job: Job
  /** Ids of the jobs that have to pass first. */
  readonly needs: readonly string[]
  readonly state: JobState
  /** Counts from 1; a retry is a new attempt with a new machine. */
  readonly attempt: number
  /** 0 is first, larger is later. */
  readonly priority: number
  readonly created: string
  readonly queued: string | undefined
  readonly started: string | undefined
  readonly ended: string | undefined
  /** Fencing token: grows with each claim; only its holder may write. */
  readonly claim: number
  readonly host: string | undefined
  readonly failure: FailureClass | undefined
  readonly reason: string | undefined
  readonly hint: string | undefined
  /** What kept it from running when it was last looked at. */
  readonly waiting: string | undefined
  /** Sizes it asks for, resolved: cpus, bytes, bytes. */
  readonly resources: { readonly cpus: number; readonly memory: number; readonly disk: number }
  /** Labels that its host has to have, sorted, each once; absent where any host will do. */
  readonly runsOn?: readonly string[]
  readonly cancelRequested: string | undefined
  /** How often this attempt was put back because the process that ran it was killed. */
  readonly restarts?: number | undefined
  /** Who asked for its machine to be ended at once. */
  readonly killRequested?: string | undefined
  /** Decided when the build was planned: its `when` is not met, or no host can take it. A retry leaves it as it is. */
  readonly ruledOut?: boolean
  /** Of an attempt that somebody with the scope `debug` asked for, to look into its machine. */
  readonly debug?: DebugWish | undefined
  /** Where maintainers come in beside its steps, of use while it runs; as in `JobHold`. */
  readonly visit?: { readonly host: string; readonly port: number; readonly hostKey: string } | undefined
  /** Its machine, kept for maintainers after the verdict. */
  readonly hold?: JobHold | undefined
  /** As of a build. */
  readonly revision?: number
}

/** A retry whose machine is held where it fails, whatever its pipeline file says. */
export type DebugWish = {
  /** Name of a token, ISO 8601. */
  readonly by: string
  readonly at: string
  /** Who alone may enter; undefined for those whom the repository is opted in with. */
  readonly optIn?: OptIn | undefined
}

/** What became of the wish to keep a job's machine. Dates are ISO 8601. */
export type JobHold =
  | {
      readonly state: 'held'
      readonly host: string
      readonly until: string
      /** Of the SSH gateway: `ssh -p PORT JOB@HOST`; its host key as known_hosts has it. */
      readonly gateway: { readonly host: string; readonly port: number; readonly hostKey: string }
      /** What it was resumed from, which stays until it is parked again. */
      readonly before?: ParkedHold | undefined
    }
  | ParkedHold
  | { readonly state: 'resuming'; readonly host: string; readonly before: ParkedHold }
  | {
      readonly state: 'ended'
      /** Undefined for one that was parked. */
      readonly host: string | undefined
      readonly ended: string
      readonly why: string
    }
  | { readonly state: 'refused'; readonly why: string }

/** Frozen in its job's folder. */
export type ParkedHold = {
  readonly state: 'parked'
  readonly parked: string
  /** When it is removed. */
  readonly until: string
  /** What it takes on disk. */
  readonly bytes: number
  /** Why it was not resumed when somebody wanted that, or has stayed what it was. */
  readonly why?: string | undefined
}

export const endStates = ['passed', 'failed', 'errored', 'timed-out', 'cancelled', 'skipped'] as const

/** Whether a job or build has come to its verdict. */
export function isEnded(state: BuildState | JobState): state is Verdict {
  return (endStates as readonly string[]).includes(state)
}
