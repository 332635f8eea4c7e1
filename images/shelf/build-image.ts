import { InfraError } from '../../config/errors.ts'
import type { ImageBuilder } from '../builder.ts'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import type { ShelfImage } from '../image.ts'
import type { OnImageProgress } from '../image-progress.ts'
import { inspectDisk } from '../pull/inspect-disk.ts'
import { defaultLimits, type PullLimits } from '../pull/limits.ts'
import { fillShelf } from './fill-shelf.ts'
import { placeImage } from './place-image.ts'
import { type OnShelf, readCurrent } from './read-current.ts'
import { resolveImage, serves } from './shelf-image.ts'

type Options = {
  readonly dataFolder: string
  readonly entry: CatalogueEntry
  readonly builder: ImageBuilder
  /** Build also where the inputs are the same. */
  readonly force: boolean
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
  readonly limits?: Partial<PullLimits> | undefined
}

/**
 * Has an image made on this host and puts it on the shelf; does nothing where one with the same inputs lies there.
 * Two at once do the work once.
 *
 * @throws InfraError `image` or `host-disk-full`, or the signal's reason
 */
export async function buildImage(options: Options): Promise<ShelfImage> {
  const { dataFolder, entry, builder, force, signal, onProgress } = options
  const inputs = await builder.inputs()
  const needed = async (onShelf: OnShelf) => force || !isBuiltFrom(onShelf, entry, inputs)
  if (force || !isBuiltFrom(await readCurrent(dataFolder, entry.name), entry, inputs)) {
    await fillShelf({ dataFolder, name: entry.name, signal, onProgress, needed }, (workFolder) =>
      build(options, inputs, workFolder),
    )
  }
  return resolveImage(dataFolder, entry)
}

function isBuiltFrom(onShelf: OnShelf, entry: CatalogueEntry, inputs: string): boolean {
  if (!serves(onShelf, entry)) {
    return false
  }
  const { source } = onShelf.manifest
  return source.kind === 'build' && source.inputs === inputs
}

async function build(options: Options, inputs: string, workFolder: string): Promise<void> {
  const { dataFolder, entry, builder, signal, onProgress } = options
  const { name } = entry
  const limits = { ...defaultLimits, ...options.limits }
  const {
    disk,
    kernel,
    initrd,
    packages,
    append = '',
  } = await builder.build({ workFolder, signal, onProgress })
  if ((kernel === undefined) !== (initrd === undefined)) {
    throw new InfraError(
      'image',
      `image ${JSON.stringify(name)}: expected a kernel and an initrd from its builder, got one of them`,
    )
  }
  const { virtualSize } = await inspectDisk({ name, file: disk, format: 'qcow2', limits, signal })
  await placeImage({
    dataFolder,
    entry,
    source: { kind: 'build', builder: entry.build ?? name, inputs },
    disk,
    virtualSize,
    kernel: kernel === undefined || initrd === undefined ? undefined : { image: kernel, initrd, append },
    packages,
    workFolder,
    signal,
    onProgress,
  })
}
