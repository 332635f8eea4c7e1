import type { HostConfig } from '../config/host/host-config.ts'
import type { ShelfImage } from '../images/image.ts'
import type { Machine } from './machine/machine.ts'
import type { ParkedManifest } from './park/parked-manifest.ts'
import { resumeMachine } from './park/resume-machine.ts'
import { findHostParts } from './start-on-host.ts'

type ThisHost = {
  readonly host: HostConfig
  readonly dataFolder: string
  /** Whether its machines are started so that they can outlive this process. @defaultValue false */
  readonly mayOutlive?: boolean
}

type ResumeOrder = {
  readonly manifest: ParkedManifest
  /** Where it is parked. */
  readonly folder: string
  /** The one that the manifest names, as it lies on this host. */
  readonly image: ShelfImage
  readonly signal: AbortSignal
  readonly onNote: (text: string) => void
  readonly onConsole: (chunk: Buffer) => void
}

/** Brings a parked machine back; rejects as `resumeMachine` does. */
export type ResumeParked = (order: ResumeOrder) => Promise<Machine>

/** Brings parked machines back on this host, whichever it was that parked them. */
export function resumeOnHost({ host, dataFolder, mayOutlive = false }: ThisHost): ResumeParked {
  return async ({ manifest, folder, image, signal, onNote, onConsole }) => {
    const parts = await findHostParts({ image, signal }, { host, dataFolder })
    const { id, resources, network } = manifest
    const order = {
      ...{ id, image, resources, network, host, dataFolder, signal, onNote, onConsole, ...parts },
      userData: undefined,
      mayOutlive,
      onGate: () => undefined,
    }
    return await resumeMachine({ order, manifest, folder })
  }
}
