import { stat } from 'node:fs/promises'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import { downloadsFolder } from '../filenames.ts'
import type { ShelfImage } from '../image.ts'
import type { OnImageProgress } from '../image-progress.ts'
import type { ImageSource } from '../manifest.ts'
import { fillShelf } from '../shelf/fill-shelf.ts'
import { placeImage } from '../shelf/place-image.ts'
import { type OnShelf, readCurrent } from '../shelf/read-current.ts'
import { resolveImage, serves } from '../shelf/shelf-image.ts'
import { checkBootable } from './check-bootable.ts'
import { expectedChecksum } from './expected-checksum.ts'
import { fetchSource } from './fetch-source.ts'
import { withHttp } from './http.ts'
import { defaultLimits, type PullLimits } from './limits.ts'
import { removePart } from './part-state.ts'
import { prepareDisk } from './prepare-disk.ts'
import { statSource, takeLocalFile } from './take-local-file.ts'

export type PullOptions = {
  readonly dataFolder: string
  /** One with a `url` or a `path`. */
  readonly entry: CatalogueEntry
  /** `absent` leaves a sound image alone without asking the network; `newer` asks whether the publisher has another. */
  readonly when: 'absent' | 'newer'
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
  /** @defaultValue defaultLimits */
  readonly limits?: Partial<PullLimits> | undefined
}

/**
 * Brings a published image, or a local file, to the shelf: checksum, inspection, qcow2, one rename. Two pulls of
 * one image at once do the work once. Interrupted at any moment, it leaves what was there before.
 *
 * @throws InfraError `image` or `host-disk-full`, or the signal's reason
 */
export async function pullImage(options: PullOptions): Promise<ShelfImage> {
  const { dataFolder, entry, when, signal, onProgress } = options
  const limits = { ...defaultLimits, ...options.limits }
  const work = { ...options, limits }
  const needed = async (onShelf: OnShelf) =>
    !serves(onShelf, entry) ||
    (entry.path === undefined ? when === 'newer' : !(await isCopyOf(onShelf, entry.path)))
  await fillShelf({ dataFolder, name: entry.name, signal, onProgress, needed }, (workFolder) =>
    entry.path === undefined ? pullUrl(work, workFolder) : pullPath(work, entry.path, workFolder),
  )
  return resolveImage(dataFolder, entry)
}

type Work = PullOptions & { readonly limits: PullLimits }

/** A local original that is gone leaves the shelf's copy good; one that changed is copied again. */
async function isCopyOf(onShelf: OnShelf, path: string): Promise<boolean> {
  const now = await stat(path).catch(() => undefined)
  const source = onShelf.kind === 'present' ? onShelf.manifest.source : undefined
  return (
    now === undefined ||
    (source?.kind === 'path' && source.size === now.size && source.mtimeMs === now.mtimeMs)
  )
}

async function pullUrl(work: Work, workFolder: string): Promise<void> {
  const { dataFolder, entry, limits, signal, onProgress } = work
  const { name, url = '' } = entry
  const downloads = downloadsFolder(dataFolder, name)
  await withHttp(async (get) => {
    const checksum = await expectedChecksum({ entry, get, limits, signal, onProgress })
    if (await isUpToDate(work, checksum)) {
      return
    }
    const source = await fetchSource({ name, url, checksum, downloads, get, limits, signal, onProgress })
    try {
      await finish(work, workFolder, { file: source, source: { kind: 'url', url, checksum } })
    } catch (error) {
      // A whole file that is refused, or that finds no room, is of no use to the next pull.
      if (!signal.aborted) {
        await removePart(downloads)
      }
      throw error
    }
    await removePart(downloads)
  })
}

async function isUpToDate({ dataFolder, entry }: Work, checksum: string): Promise<boolean> {
  const onShelf = await readCurrent(dataFolder, entry.name)
  return (
    serves(onShelf, entry) &&
    onShelf.manifest.source.kind === 'url' &&
    onShelf.manifest.source.checksum === checksum
  )
}

async function pullPath(work: Work, path: string, workFolder: string): Promise<void> {
  const { entry, limits, signal, onProgress } = work
  const { name, digest } = entry
  const taken = await takeLocalFile({ name, path, digest, workFolder, limits, signal, onProgress })
  await finish(work, workFolder, taken)
}

/** From the published file, verified, to the shelf. */
async function finish(
  work: Work,
  workFolder: string,
  from: { file: string; source: ImageSource },
): Promise<void> {
  const { dataFolder, entry, limits, signal, onProgress } = work
  const kernel = await kernelOf(entry)
  const prepared = await prepareDisk({ entry, source: from.file, workFolder, limits, signal, onProgress })
  if (kernel === undefined) {
    const origin = entry.path ?? entry.url ?? ''
    await checkBootable({ name: entry.name, origin, disk: prepared.disk, workFolder, signal })
  }
  await placeImage({
    dataFolder,
    entry,
    source: from.source,
    ...prepared,
    kernel,
    workFolder,
    signal,
    onProgress,
  })
}

async function kernelOf({ name, kernel, initrd, append }: CatalogueEntry) {
  if (kernel === undefined || initrd === undefined) {
    return undefined
  }
  await statSource(name, kernel, 'kernel')
  await statSource(name, initrd, 'initrd')
  return { image: kernel, initrd, append: append ?? '' }
}
