import type { DiskBus, NicModel } from '../../images/image.ts'

/** All that decides QEMU's argv; all paths are absolute. */
export type QemuSpec = {
  /** Shown by ps; letters, digits and `-`. */
  readonly name: string
  readonly accel: 'kvm' | 'tcg'
  /** Machine type with its options, see `defaultMachine`. */
  readonly machine: string
  readonly cpu: 'host' | 'max'
  readonly cpus: number
  /** bytes, a whole number of MiB */
  readonly memory: number
  readonly firmware: QemuFirmware
  readonly disk: { readonly path: string; readonly bus: DiskBus; readonly format: 'qcow2' }
  /** The seed CD, if there is one. */
  readonly seed: string | undefined
  /** The card that SSH comes in by. */
  readonly network: QemuNic
  readonly extraNics: readonly QemuNic[]
  /** For direct boot; undefined boots through the firmware. */
  readonly kernel: { readonly image: string; readonly initrd: string; readonly append: string } | undefined
  readonly sockets: {
    readonly qmp: string
    readonly serial: string
    /** A port into the guest for whoever freezes and thaws it. */
    readonly control?: string
  }
  /** The boot console from its first byte, whoever watches. */
  readonly serialLog: string
  /** Memory in a file instead of anonymous memory, for templates and their clones. */
  readonly memoryFile?: MemoryFile
  /** Waits for the state of a frozen machine instead of booting. */
  readonly incoming?: boolean
}

/** `written` shares every page with the file; `private` only reads it, and what the guest writes is its own. */
export type MemoryFile = {
  readonly path: string
  readonly use: 'written' | 'private'
  /** Open it for reading alone, which QEMU 8.2 and later can for `private`. */
  readonly readOnly: boolean
}

export type QemuFirmware =
  | { readonly kind: 'bios' }
  /** OVMF; `vars` is this machine's own copy. */
  | { readonly kind: 'uefi'; readonly code: string; readonly vars: string }

export type QemuNic = {
  /** Only `internet` lets the guest out through SLIRP; `web` goes through the proxy at our end of SSH. */
  readonly mode: 'none' | 'web' | 'internet'
  readonly nic: NicModel
  readonly mac: string
  /** Of the first card: where the forward to SSH listens. @defaultValue 127.0.0.1 */
  readonly sshAddress?: string
}

/**
 * The i440FX machine: cloud kernels have a driver for its IDE controller, and often none for q35's AHCI,
 * so that they would never find the seed CD (canonical/cloud-init#3897).
 */
export const defaultMachine = 'pc,usb=off,vmport=off,memory-backend=ram'
