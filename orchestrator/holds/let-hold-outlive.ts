import type { Logger } from 'pino'
import { monotonicMs } from '../../runner/keeper/lease.ts'
import type { Machine } from '../../runner/machine/machine.ts'
import type { HoldMachineNote } from '../adoption/machine-note.ts'
import { aboutJob } from '../logs/about-job.ts'
import type { BuildJob } from '../model/build.ts'

type Outlive = {
  readonly job: BuildJob
  readonly machine: Machine
  readonly secrets: readonly string[]
  /** Bytes of its job's console by now. */
  readonly consoleSize: number
  /** Milliseconds that are left of the hold. */
  readonly ms: number
  readonly log: Logger
}

/** Lets a kept machine go on for its time if this process is killed, and no longer. Never rejects. */
export async function letHoldOutlive({
  job,
  machine,
  secrets,
  consoleSize,
  ms,
  log,
}: Outlive): Promise<void> {
  const until = monotonicMs() + ms
  const whose = { job: job.id, attempt: job.attempt }
  const note: HoldMachineNote = { kind: 'hold', ...whose, until, consoleSize, secrets: [...secrets] }
  await machine
    .outlive({ note, graceMs: ms, until })
    .catch((err: unknown) => aboutJob(log, job).warn({ err }, 'a kept machine ends with this process'))
}
