import type { MachineProfile } from '../image.ts'

export type ChecksumAlgorithm = 'sha256' | 'sha512'
export type DiskFormat = 'qcow2' | 'raw'
export type Compression = 'none' | 'xz' | 'zstd' | 'gz'

/**
 * One image that can come to the shelf, and the machine that it needs. Exactly one of `url`, `path` and `build`
 * says where it comes from.
 */
export type CatalogueEntry = MachineProfile & {
  readonly name: string
  readonly title: string
  /** Where the publisher keeps the disk, http or https. */
  readonly url: string | undefined
  /** The publisher's checksum file, over https. It speaks of the file at `url` as published, before unpacking. */
  readonly checksum: { readonly url: string; readonly algorithm: ChecksumAlgorithm } | undefined
  /** `sha256:<hex>` of the published file; takes the place of a checksum file. */
  readonly digest: string | undefined
  /** A file on this host instead of `url`; absolute. */
  readonly path: string | undefined
  /** Name of the builder that makes it on this host. */
  readonly build: string | undefined
  /** Format of the disk once unpacked. */
  readonly format: DiskFormat
  readonly compression: Compression
  /** Files on this host for direct boot; absolute, both or none. */
  readonly kernel: string | undefined
  readonly initrd: string | undefined
  /** Kernel command line for direct boot. */
  readonly append: string | undefined
  /** What to expect of the download, in bytes; only shown. */
  readonly downloadSize: number | undefined
  /** What a person should know before choosing it. */
  readonly note: string | undefined
}

/** What a host file may say of an image: any part of an entry, over one of ours or as a new one. */
export type CatalogueOverride = {
  readonly [K in Exclude<keyof CatalogueEntry, 'name' | 'resources'>]?: CatalogueEntry[K] | undefined
} & {
  readonly name?: string | undefined
  readonly resources?: { readonly [K in keyof MachineProfile['resources']]?: number | undefined } | undefined
}

/** What holds where an entry says nothing else: a stock qcow2 cloud image on a BIOS machine. */
export const entryDefaults = {
  url: undefined,
  checksum: undefined,
  digest: undefined,
  path: undefined,
  build: undefined,
  format: 'qcow2',
  compression: 'none',
  kernel: undefined,
  initrd: undefined,
  append: undefined,
  downloadSize: undefined,
  note: undefined,
  user: 'ci',
  firmware: 'bios',
  diskBus: 'virtio',
  nic: 'virtio',
  resources: {},
  readyPattern: 'login:',
  seed: 'cloud-init',
  userData: undefined,
} satisfies Omit<CatalogueEntry, 'name' | 'title'>
