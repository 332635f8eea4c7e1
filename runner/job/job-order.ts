import type { Readable } from 'node:stream'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { Job } from '../../config/pipeline/pipeline.ts'
import type { ShelfImage } from '../../images/image.ts'
import type { OnImageProgress } from '../../images/image-progress.ts'
import type { SetupAccess } from '../checkpoint/setup.ts'
import type { EgressPolicy } from '../egress/egress-policy.ts'
import type { AdoptMachine } from '../machine/adopt-machine.ts'
import type { BootOrder } from '../machine/boot-order.ts'
import type { Machine } from '../machine/machine.ts'
import type { JobContext } from './job-environment.ts'
import type { JobEvent } from './job-event.ts'
import type { JobNote } from './job-note.ts'
import type { JobRecord } from './job-record.ts'

/** A job to be run, and the parts of the host it is run with. */
export type JobOrder = {
  readonly job: Job
  readonly context: JobContext
  /** Values of the secrets that the job names; masked everywhere, never written down. */
  readonly secrets: Readonly<Record<string, string>>
  readonly host: HostConfig
  readonly dataFolder: string
  readonly source: JobSource
  readonly ensureImage: (
    name: string,
    watched: { signal: AbortSignal; onProgress: OnImageProgress },
  ) => Promise<ShelfImage>
  readonly startMachine: StartMachine
  /** Which checkpoints the job's setup may come from. @defaultValue none: it runs each time */
  readonly setupAccess?: SetupAccess
  /** Narrows what the host lets `network: web` reach; of the job's repository. @defaultValue nothing */
  readonly egress?: EgressPolicy | undefined
  /** Aborted with `Cancelled` to end the job at any moment. */
  readonly signal: AbortSignal
  /** Lets its machine outlive this process once it has its files. @defaultValue no */
  readonly outlive?: OutliveOrder | undefined
  /** Another process began it and is gone: it is taken up where it was, in its steps or after them. */
  readonly resumed?: ResumedJob | undefined
  readonly onEvent: (event: JobEvent) => void
  readonly onImageProgress: OnImageProgress
  /** Called with the verdict, before the machine is destroyed. */
  readonly report?: (record: JobRecord) => Promise<void>
  /** Called before the first step, when the machine has the files and the secrets. */
  readonly admit?: Admit | undefined
  /**
   * Asked after the report whether it takes the machine over, alive as it is; who says yes has to destroy it. Not asked
   * where the machine is no more.
   */
  readonly keepMachine?: (record: JobRecord, machine: Machine) => boolean
}

/**
 * Lets others into the machine of a job while its steps run. What it gives is called and awaited when they are over, and
 * must not reject.
 */
export type Admit = (running: {
  readonly machine: Machine
  /** Writes a line of ours into the job's log. */
  readonly remark: (text: string) => void
}) => () => Promise<void>

export type OutliveOrder = {
  /** For whoever takes it up. */
  readonly note: object
  /** Milliseconds that it waits for them. */
  readonly graceMs: number
  /** From now on it does. */
  readonly onOutlives?: (() => void) | undefined
}

export type ResumedJob = {
  readonly note: JobNote
  /** Takes its machine up. Throws InfraError where that cannot be. */
  readonly adopt: (
    hooks: Pick<AdoptMachine, 'signal' | 'onNote' | 'onConsole' | 'rewind' | 'egress'>,
  ) => Promise<Machine>
}

/** The files of a job. Streams are tar archives relative to the working directory. */
export type JobSource = {
  /** The whole tree. */
  readonly tree: (signal: AbortSignal) => Promise<TarSource>
  /** Only what `setup_files` names. */
  readonly files: (patterns: readonly string[], signal: AbortSignal) => Promise<TarSource>
}

export type TarSource = {
  readonly stream: Readable
  /** What was left out or is odd, for the log. */
  readonly notes: readonly string[]
}

/** A way to start a machine: cold, out of a pool, from a template or from a checkpoint. */
export type StartMachine = (order: MachineOrder) => Promise<Machine>

/** What a job asks of the machine's start; the rest is the host's. */
export type MachineOrder = Omit<BootOrder, 'host' | 'dataFolder' | 'accel' | 'qemu'>
