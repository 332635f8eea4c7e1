import { join } from 'node:path'
import { InfraError } from '../../config/errors.ts'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import { diskFile, initrdFile, kernelFile } from '../filenames.ts'
import type { ShelfImage } from '../image.ts'
import type { Manifest } from '../manifest.ts'
import { provenanceOf } from '../provenance.ts'
import { type OnShelf, readCurrent } from './read-current.ts'

/**
 * The image that machines start from, as it lies on the shelf. What a machine must know comes from the catalogue,
 * not from the day of the pull, so that a change in the host file counts at once.
 *
 * @throws InfraError `image` where it is absent, damaged or from another source than the catalogue names
 */
export async function resolveImage(dataFolder: string, entry: CatalogueEntry): Promise<ShelfImage> {
  const onShelf = await readCurrent(dataFolder, entry.name)
  if (!serves(onShelf, entry)) {
    throw new InfraError('image', `image ${JSON.stringify(entry.name)}: ${whyNot(onShelf, entry)}`, {
      hint: `Run: mayfly images ${entry.build === undefined ? 'pull' : 'build'} ${entry.name}`,
    })
  }
  const { folder, manifest } = onShelf
  return {
    name: entry.name,
    digest: manifest.digest,
    provenance: provenanceOf(folder, manifest),
    disk: join(folder, diskFile),
    virtualSize: manifest.virtualSize,
    kernel:
      manifest.kernel === null
        ? undefined
        : {
            image: join(folder, kernelFile),
            initrd: join(folder, initrdFile),
            append: entry.append ?? manifest.kernel.append,
          },
    profile: {
      user: entry.user,
      firmware: entry.firmware,
      diskBus: entry.diskBus,
      nic: entry.nic,
      resources: entry.resources,
      readyPattern: entry.readyPattern,
      seed: entry.seed,
      userData: entry.userData,
    },
  }
}

/** Whether what is on the shelf is sound and from where the catalogue says; `ensure` looks closer. */
export function serves(onShelf: OnShelf, entry: CatalogueEntry): onShelf is OnShelf & { kind: 'present' } {
  return onShelf.kind === 'present' && isFrom(onShelf.manifest, entry)
}

function isFrom({ source, kernel }: Manifest, entry: CatalogueEntry): boolean {
  switch (source.kind) {
    case 'build':
      return source.builder === entry.build
    case 'path':
      return source.path === entry.path && (kernel !== null) === (entry.kernel !== undefined)
    case 'url': {
      const pinned = entry.digest === undefined || entry.digest === source.checksum
      return source.url === entry.url && pinned && (kernel !== null) === (entry.kernel !== undefined)
    }
  }
}

function whyNot(onShelf: OnShelf, entry: CatalogueEntry): string {
  switch (onShelf.kind) {
    case 'absent': {
      const from = entry.path === undefined ? '' : ` (its file is ${entry.path})`
      return `expected it on this host's shelf, got nothing there yet${from}`
    }
    case 'damaged':
      return `expected a sound image in ${onShelf.folder}, got ${onShelf.found}`
    case 'present': {
      const { source } = onShelf.manifest
      const got = source.kind === 'url' ? source.url : source.kind === 'path' ? source.path : source.builder
      return `expected one from ${entry.url ?? entry.path ?? entry.build}, got an older one from ${got}`
    }
  }
}
