import { ConfigError, InfraError } from '../config/errors.ts'
import type { ImageBuilder } from './builder.ts'
import type { CatalogueEntry, CatalogueOverride } from './catalogue/entry.ts'
import { type Catalogue, findEntry, openCatalogue } from './catalogue.ts'
import { manifestFile } from './filenames.ts'
import type { ShelfImage } from './image.ts'
import type { OnImageProgress } from './image-progress.ts'
import { readManifest } from './manifest.ts'
import type { PullLimits } from './pull/limits.ts'
import { pullImage } from './pull/pull-image.ts'
import { buildImage } from './shelf/build-image.ts'
import { collectGarbage, type Garbage } from './shelf/collect-garbage.ts'
import { type Damage, findDamage } from './shelf/find-damage.ts'
import { type ListedImage, listImages, namesOnShelf } from './shelf/list-images.ts'
import { readCurrent } from './shelf/read-current.ts'
import { removeImage } from './shelf/remove-image.ts'
import { resolveImage } from './shelf/shelf-image.ts'

export type ShelfOptions = {
  /** Mayfly's data folder; the shelf is its `images/`. */
  readonly dataFolder: string
  /** The host file's images, by name. */
  readonly overrides?: Readonly<Record<string, CatalogueOverride>> | undefined
  /** What makes the images that name a `build`, by that name. */
  readonly builders?: Readonly<Record<string, ImageBuilder>> | undefined
  readonly limits?: Partial<PullLimits> | undefined
}

type Watched = { readonly signal: AbortSignal; readonly onProgress?: OnImageProgress | undefined }

/** The images of one host. Names that no catalogue knows are a ConfigError everywhere. */
export type Shelf = {
  readonly catalogue: Catalogue
  /** @throws ConfigError listing the known names for one that is not among them */
  checkName(name: string): void
  list(): Promise<ListedImage[]>
  /** The image as it lies here. @throws InfraError `image` where it is absent or damaged */
  resolve(name: string): Promise<ShelfImage>
  /** The image as it lies here, pulled or built first where it is absent, damaged or of other inputs. */
  ensure(name: string, options: Watched): Promise<ShelfImage>
  /** As `ensure`, and also asks whether the publisher has a newer one. */
  pull(name: string, options: Watched): Promise<ShelfImage>
  /** Only for images that are built; `force` builds also where the inputs are the same. */
  build(name: string, options: Watched & { readonly force?: boolean }): Promise<ShelfImage>
  /** Reads every byte; no damage is an empty list. @throws InfraError `image` where it is absent */
  verify(name: string, options: Watched): Promise<Damage[]>
  /** Returns the bytes freed. @throws InfraError `image` while it is in use */
  rm(name: string): Promise<number>
  /** `maxAge` in milliseconds, 0 where it is not given. */
  gc(options?: { readonly maxAge?: number }): Promise<Garbage[]>
}

/** @throws ConfigError where an override cannot serve */
export function openShelf({ dataFolder, overrides, builders = {}, limits }: ShelfOptions): Shelf {
  const catalogue = openCatalogue(overrides)
  const entryOf = (name: string) => findEntry(name, catalogue)

  const bring = (entry: CatalogueEntry, when: 'absent' | 'newer', force: boolean, watched: Watched) => {
    const { signal, onProgress = ignore } = watched
    return entry.build === undefined
      ? pullImage({ dataFolder, entry, when, signal, onProgress, limits })
      : buildImage({
          dataFolder,
          entry,
          builder: builderOf(entry, builders),
          force,
          signal,
          onProgress,
          limits,
        })
  }

  return {
    catalogue,
    checkName: (name) => void entryOf(name),
    list: () => listImages(dataFolder, catalogue),
    resolve: async (name) => resolveImage(dataFolder, entryOf(name)),
    ensure: async (name, watched) => bring(entryOf(name), 'absent', false, watched),
    pull: async (name, watched) => bring(entryOf(name), 'newer', false, watched),
    build: async (name, { force = false, ...watched }) => {
      const entry = entryOf(name)
      if (entry.build === undefined) {
        throw new ConfigError(
          `image ${JSON.stringify(name)}: expected one that is built, got one that is pulled`,
          {
            hint: `Run: mayfly images pull ${name}`,
          },
        )
      }
      return bring(entry, 'absent', force, watched)
    },
    verify: async (name, watched) => verify(dataFolder, entryOf(name), watched),
    rm: async (name) => {
      const isThere = (await namesOnShelf(dataFolder)).includes(name)
      return removeImage(dataFolder, isThere ? name : entryOf(name).name)
    },
    gc: async ({ maxAge = 0 } = {}) => collectGarbage(dataFolder, maxAge),
  }
}

const ignore: OnImageProgress = () => {}

function builderOf(
  { name, build = '' }: CatalogueEntry,
  builders: Readonly<Record<string, ImageBuilder>>,
): ImageBuilder {
  const builder = builders[build]
  if (builder === undefined) {
    const known = Object.keys(builders).join(', ') || 'none'
    throw new ConfigError(
      `image ${JSON.stringify(name)}: expected \`build\` to be one of ${known}, got ${JSON.stringify(build)}`,
    )
  }
  return builder
}

async function verify(dataFolder: string, entry: CatalogueEntry, watched: Watched): Promise<Damage[]> {
  const onShelf = await readCurrent(dataFolder, entry.name)
  if (onShelf.kind === 'absent') {
    throw new InfraError(
      'image',
      `image ${JSON.stringify(entry.name)}: expected it on this host's shelf, got nothing there`,
      {
        hint: `Run: mayfly images ${entry.build === undefined ? 'pull' : 'build'} ${entry.name}`,
      },
    )
  }
  const manifest = await readManifest(onShelf.folder)
  return manifest === undefined
    ? [{ file: manifestFile, expected: 'a manifest of version 1', found: 'none' }]
    : findDamage(onShelf.folder, manifest, watched)
}
