import type { HostConfig } from '../../config/host/host-config.ts'
import type { NetworkMode } from '../../config/pipeline/pipeline.ts'
import type { Resources, ShelfImage } from '../../images/image.ts'
import type { Accel } from '../accel/choose-accel.ts'
import type { Setup } from '../checkpoint/setup.ts'
import type { Qemu } from '../qemu/qemu-version.ts'
import type { CheckpointFacts, GateTime, Machine, Preparation } from './machine.ts'

/** What a machine is to be, and who hears of its start. */
export type BootOrder = {
  /** 1 to 63 of a-z, 0-9 and `-`; names every file, socket and process of the machine. */
  readonly id: string
  readonly image: ShelfImage
  readonly resources: Resources
  readonly network: NetworkMode
  /** Custom user-data of the job, merged so that our key survives. */
  readonly userData: string | undefined
  readonly host: HostConfig
  readonly dataFolder: string
  readonly accel: Accel
  readonly qemu: Qemu
  /** Whether it is started so that it can outlive this process, see `Machine.outlive`. @defaultValue false */
  readonly mayOutlive?: boolean
  /** What the job will `prepare`; a start that can do so on the way does it at once. */
  readonly preparation?: Preparation
  /** The job's setup, where its result may come from a checkpoint or become one. */
  readonly setup?: Setup | undefined
  /** What is known of that when the machine starts. */
  readonly checkpoint?: CheckpointFacts | undefined
  /** Why it is not started in a faster way; for the header of the job's log. */
  readonly strategyReason?: string | undefined
  /** Whether a template was tried first and did not start. */
  readonly templateFailed?: boolean
  readonly signal: AbortSignal
  readonly onGate: (gate: GateTime) => void
  readonly onNote: (text: string) => void
  /**
   * Hears the boot console from its first byte on, also of a boot that fails. `template`: what the one that it was
   * started from had printed before.
   */
  readonly onConsole: (chunk: Buffer, of?: 'template') => void
  /** Gets each machine that is started for this order, long before it is ready; one may take another's place. */
  readonly onLaunched?: (machine: Pick<Machine, 'use'>) => void
}
