import type { OnImageProgress } from './image-progress.ts'

/**
 * Makes an image on this host instead of downloading it. The shelf asks `inputs` first and leaves `build` alone
 * when an image with the same inputs is there.
 */
export type ImageBuilder = {
  /**
   * A key of everything that goes into the image: scripts, package list, suite, mirror. Equal keys mean that the
   * image need not be built again. Cheap and without network.
   */
  inputs(): Promise<string>
  /**
   * Makes the files, anywhere inside `workFolder`, an empty folder on the shelf's own filesystem. The shelf hashes
   * them, makes them read-only, moves them to their place and removes the folder. Rejects with an InfraError of
   * class `image` or `host-disk-full`, or with the signal's reason.
   */
  build(options: BuildOptions): Promise<BuiltImage>
}

export type BuildOptions = {
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
}

/** Absolute paths inside the work folder. Kernel, initrd and append come together or not at all. */
export type BuiltImage = {
  /** qcow2, without backing file */
  readonly disk: string
  readonly kernel?: string | undefined
  readonly initrd?: string | undefined
  /** A list of what is installed: `name version architecture` a line. */
  readonly packages?: string | undefined
  /** Kernel command line for direct boot. */
  readonly append?: string | undefined
}
