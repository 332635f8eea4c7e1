import type { Client } from 'ssh2'
import type { ResumedJob } from '../../runner/job/job-order.ts'
import type { JobRecord } from '../../runner/job/job-record.ts'
import type { ConsoleInput, Machine } from '../../runner/machine/machine.ts'
import type { Authorization } from '../gateway/gateway.ts'
import type { BuildJob, ParkedHold } from '../model/build.ts'

/** The machines that are kept on this host after their jobs' verdicts. */
export type Holds = {
  /** Takes one of the slots for a machine; why not where there is none free. */
  reserve(job: BuildJob): { readonly slot: Slot } | { readonly why: string }
  /** For the gateway: who may enter the machine of a job. */
  authorize(job: string): Promise<Authorization>
  connect(job: string, signal: AbortSignal): Promise<Client>
  /** The way to type on the serial console of a job's machine. */
  openConsole(job: string, signal: AbortSignal): Promise<ConsoleInput>
  /** Folder of the recordings of a job. */
  recordings(job: string): string
  /** Parks a machine that nobody holds, once its secrets are removed. The verdict has been told by then. Never rejects. */
  park(job: BuildJob, kept: Kept): Promise<void>
  /**
   * Goes on with a machine that outlived its process, in a slot whether one is free or not; false where it could not be
   * taken up, which is then written down. Never rejects.
   */
  takeUp(job: BuildJob, left: LeftHold, gateway: Kept['gateway']): Promise<boolean>
  /** Opens the parked machine of a job here, if it is parked, no other host does so and this one can. Never rejects. */
  resume(job: string, gateway: Kept['gateway']): Promise<void>
  /** Removes what is parked of a job, unless some host resumes it. */
  discard(job: string, why: string): Promise<void>
  /** Ends a hold, or parks its machine; false where there is none of that job here. */
  end(job: string, why: string, how?: EndOfHold): Promise<boolean>
  /** Told when a hold ends, before its machine does. */
  onEnd(tell: (job: string, why: string) => void): void
  /** Parks all, for their host stops. */
  close(): Promise<void>
}

/** Room for one kept machine. */
export type Slot = {
  /** Opens the machine to its maintainers. The verdict has been told by then. Never rejects. */
  begin(kept: Kept): Promise<void>
  /** Gives the room back where nothing came of it; the machine is not ended. */
  release(): void
}

/** What is known of a job that has ended. */
export type Ending = Partial<Pick<JobRecord, 'verdict' | 'reason' | 'hint'>>

export type Kept = {
  readonly machine: Machine
  readonly record: Ending
  readonly secrets: readonly string[]
  /** milliseconds */
  readonly ms: number
  /** Where the gateway is, as maintainers reach it. */
  readonly gateway: { readonly host: string; readonly port: number; readonly hostKey: string }
}

/** A hold whose process was killed. */
export type LeftHold = {
  readonly adopt: ResumedJob['adopt']
  /** milliseconds that are left of it */
  readonly ms: number
  readonly secrets: readonly string[]
  /** Bytes of its job's console when it began. */
  readonly consoleSize: number
  /** What it was resumed from. */
  readonly before: ParkedHold | undefined
}

/** `park`: it goes on another day. */
export type EndOfHold = 'destroy' | 'park'
