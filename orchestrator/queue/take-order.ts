import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Resources } from './capacity.ts'
import type { JobQueue } from './job-queue.ts'

/**
 * `ended`: it has its verdict or is not ours. `put-back`: it goes to the front of the line. `later`: it goes there after a
 * while, and others before it. `held`: something other than room keeps it from running, so it leaves the line until
 * `onHeld` puts it there again.
 */
export type RunEnd = 'ended' | 'put-back' | 'later' | 'held'

export type TakenJob = {
  readonly id: string
  readonly attempt: number
  /** Another host had it and was lost: the store may still say that it runs there. */
  readonly redelivered: boolean
  /** Aborted with `LockLost` or `HostStopping` as its reason. */
  readonly signal: AbortSignal
}

export type TakeOrder = {
  /** A patient connection; the worker opens one more of its own for waiting. */
  readonly connection: Redis
  readonly prefix: string
  readonly queue: Pick<JobQueue, 'taken' | 'took' | 'lines' | 'hand' | 'recall' | 'giveBack'>
  readonly hostName: string
  /** What this host has for jobs. */
  readonly capacity: Resources
  /** What jobs may ask of their host and this one has now. @defaultValue none */
  readonly labels?: (() => readonly string[]) | undefined
  /** What a job takes; undefined where there is no such job any more, which is then dropped. */
  readonly needs: (id: string) => Promise<Resources | undefined>
  /**
   * Runs a job. Is to claim it in the store first, for the queue may give a job twice. When it rejects the job is
   * tried again, three times in all, and then is poison.
   */
  readonly run: (job: TakenJob) => Promise<RunEnd>
  /** A job that killed its hosts or our own code again and again. Called until it resolves once. */
  readonly onPoison: (id: string, reason: string) => Promise<void>
  /** A job that this host is too small for; `put-back` leaves it to another one, `later` to one that is not there yet. */
  readonly onMisfit: (id: string, reason: string) => Promise<RunEnd>
  /** A host with room now that has what a job starts from, where this one has not. @defaultValue of none */
  readonly betterHost?: (id: string) => Promise<string | undefined>
  /** A job that is next on this host and waits for room. */
  readonly onWaiting?: (id: string, reason: string) => Promise<void>
  /** Whether something other than room keeps a job from running now; looked at before it waits for room. */
  readonly isHeld?: (id: string) => Promise<boolean>
  /**
   * A job has left the line as `held`. Has to look again whether it still is: what frees it may have come in between,
   * when it could not yet be put back.
   */
  readonly onHeld?: (id: string) => Promise<void>
  /**
   * Whether this process has a job that the queue gave to somebody else, or forgot: then it runs on, and is dropped where
   * it is in line. Without it the queue's word counts.
   */
  readonly isOurs?: (id: string) => Promise<boolean>
  /** Resolves when this host may take another job, or with the signal. @defaultValue at once */
  readonly untilClear?: (signal: AbortSignal) => Promise<void>
  /** What is free or runs here has changed. */
  readonly onChange?: () => void
  readonly log: Logger
  /** Aborted: stops without grace. */
  readonly signal?: AbortSignal
  readonly timing?: Partial<TakeTiming>
  /** Jobs that run here already, in no line; they take room whether there is any or not. @defaultValue none */
  readonly begun?: readonly BegunJob[]
}

export type BegunJob = {
  readonly id: string
  readonly need: Resources
  /** Rejects never. */
  readonly run: (signal: AbortSignal) => Promise<void>
}

/** milliseconds, but for `stalls` */
export type TakeTiming = {
  /** A job whose host was silent for so long may be given to another. @defaultValue 30 s */
  readonly lock: number
  /** Between two looks for such jobs. @defaultValue 30 s */
  readonly stalledCheck: number
  /** Times a job may lose its host before it is poison. @defaultValue 2 */
  readonly stalls: number
  /** The first in line waits so long for room here before other hosts may have it. @defaultValue 10 s */
  readonly hold: number
  /** A job too big for this host is kept from it for so long. @defaultValue 2 s */
  readonly elsewhere: number
  /** A job that its host could not begin now, or nobody who is there, is tried again after so long. @defaultValue 10 s */
  readonly later: number
  /** A host that was handed a job has so long to take it. @defaultValue 3 s */
  readonly hand: number
  /** Between two looks for lines that have come to be or are no more. @defaultValue 2 s */
  readonly lines: number
}

export type StopBound = {
  /** Milliseconds that runs have to end by themselves. */
  readonly graceMs: number
  /** Whether what a job runs in goes on without this process: it is neither waited for nor aborted. @defaultValue of none */
  readonly staysBehind?: ((id: string) => boolean) | undefined
}

export type JobTaker = {
  free(): Resources
  /** Ids of the jobs that run here. */
  running(): string[]
  /**
   * Takes nothing new, gives runs `graceMs` to end, then aborts them with `HostStopping` and waits for them to be put
   * back, half a minute at most. Rejects never.
   */
  stop(bound: StopBound): Promise<void>
}
