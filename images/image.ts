/** How a disk reaches the guest. */
export type DiskBus = 'virtio' | 'scsi' | 'ide'
export type NicModel = 'virtio' | 'e1000'
export type Firmware = 'bios' | 'uefi'

/** cpus as a count, memory and disk in bytes. */
export type Resources = { readonly cpus: number; readonly memory: number; readonly disk: number }

/** What a machine must know of the image it starts from, whichever way the image came to the shelf. */
export type MachineProfile = {
  /** Login user with passwordless sudo, made by cloud-init or by our own seed. */
  readonly user: string
  readonly firmware: Firmware
  readonly diskBus: DiskBus
  readonly nic: NicModel
  /** Resources where the job names none; override the host's defaults. */
  readonly resources: Partial<Resources>
  /** A console line that means that the guest is about to serve; progress only, SSH decides. */
  readonly readyPattern: string
  /**
   * Who reads the seed CD: `mayfly` is the image's own unit, which runs the seed's script before sshd;
   * `cloud-init` is a stock image.
   */
  readonly seed: 'mayfly' | 'cloud-init'
  /** cloud-config merged below the job's own. */
  readonly userData: string | undefined
}

/** Where an image came from: what is kept of it on the record of each job that ran in it. */
export type ImageProvenance = {
  readonly name: string
  /** `sha256:<hex>` of its disk. */
  readonly digest: string
  /** When it came to this host's shelf, ISO 8601. */
  readonly created: string
  /** An address without what opens it; a checksum is of the file as it was published. */
  readonly source:
    | { readonly kind: 'url'; readonly url: string; readonly checksum: string }
    | { readonly kind: 'path'; readonly path: string; readonly size: number; readonly mtimeMs: number }
    | { readonly kind: 'build'; readonly builder: string; readonly inputs: string }
  /**
   * What is installed in it, `name version architecture` a line, and the `sha256:<hex>` of that file; undefined for
   * what is pulled, whose publisher lists it, and for what was built before such lists were written.
   */
  readonly packages: { readonly file: string; readonly digest: string; readonly count: number } | undefined
}

/** An image on this host's shelf, verified, read-only, ready to be the base of overlays. */
export type ShelfImage = {
  readonly name: string
  /** `sha256:<hex>` of the disk file as it lies on the shelf. */
  readonly digest: string
  /** Undefined for an image that is on no shelf. */
  readonly provenance?: ImageProvenance | undefined
  /** Absolute path of the qcow2 disk, mode 0444. */
  readonly disk: string
  /** bytes */
  readonly virtualSize: number
  /** For direct boot; undefined boots through the firmware. */
  readonly kernel: { readonly image: string; readonly initrd: string; readonly append: string } | undefined
  readonly profile: MachineProfile
}
