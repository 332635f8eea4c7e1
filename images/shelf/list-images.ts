import { readdir } from 'node:fs/promises'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import type { Catalogue } from '../catalogue.ts'
import { imagesFolder } from '../filenames.ts'
import { readCurrent } from './read-current.ts'
import { serves } from './shelf-image.ts'
import { liveUsers } from './use-markers.ts'

/** One line of `mayfly images ls`. What is undefined is not known while the image is absent. */
export type ListedImage = {
  readonly name: string
  readonly title: string
  /** `unlisted` is on the shelf but in no catalogue any more. */
  readonly source: 'url' | 'path' | 'build' | 'unlisted'
  readonly present: boolean
  readonly digest: string | undefined
  /** bytes of the disk file */
  readonly size: number | undefined
  /** bytes as the guest sees them */
  readonly virtualSize: number | undefined
  /** ISO time at which it came to the shelf */
  readonly created: string | undefined
  /** milliseconds since then */
  readonly age: number | undefined
  /** machines that stand on it now */
  readonly users: readonly string[]
  /** Why what lies there does not serve. */
  readonly problem: string | undefined
  readonly note: string | undefined
}

/** Every image of the catalogue, present or not, then what else the shelf holds. */
export async function listImages(dataFolder: string, catalogue: Catalogue): Promise<ListedImage[]> {
  const names = await namesOnShelf(dataFolder)
  const unlisted = names.filter((name) => !catalogue.has(name))
  return Promise.all(
    [...catalogue.keys(), ...unlisted].map((name) => listImage(dataFolder, name, catalogue.get(name))),
  )
}

/** Folders of the shelf; a leading dot is our own. */
export async function namesOnShelf(dataFolder: string): Promise<string[]> {
  const names = await readdir(imagesFolder(dataFolder)).catch(() => [])
  return names.filter((name) => !name.startsWith('.')).sort()
}

async function listImage(
  dataFolder: string,
  name: string,
  entry: CatalogueEntry | undefined,
): Promise<ListedImage> {
  const onShelf = await readCurrent(dataFolder, name)
  const manifest = onShelf.kind === 'present' ? onShelf.manifest : undefined
  const present = entry === undefined ? manifest !== undefined : serves(onShelf, entry)
  const outdated =
    present || onShelf.kind === 'absent' ? undefined : 'from another source than the catalogue names'
  return {
    name,
    title: entry?.title ?? name,
    source:
      entry === undefined
        ? 'unlisted'
        : entry.url !== undefined
          ? 'url'
          : entry.path !== undefined
            ? 'path'
            : 'build',
    present,
    digest: manifest?.digest,
    size: manifest?.size,
    virtualSize: manifest?.virtualSize,
    created: manifest?.created,
    age: manifest === undefined ? undefined : Math.max(0, Date.now() - Date.parse(manifest.created)),
    users: onShelf.kind === 'absent' ? [] : await liveUsers(onShelf.folder),
    problem: onShelf.kind === 'damaged' ? onShelf.found : outdated,
    note: entry?.note,
  }
}
