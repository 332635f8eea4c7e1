import { join } from 'node:path'
import { packagesFile } from './filenames.ts'
import type { ImageProvenance } from './image.ts'
import type { ImageSource, Manifest } from './manifest.ts'

/** Where an image of the shelf came from, as it may stand on the record of a job. */
export function provenanceOf(folder: string, manifest: Manifest): ImageProvenance {
  const { name, digest, created, source, packages } = manifest
  const file = join(folder, packagesFile)
  return {
    name,
    digest,
    created,
    source: publicSource(source),
    packages: packages === undefined ? undefined : { file, ...packages },
  }
}

/** An address can carry a password or a signature, which are no part of where a file is from. */
function publicSource(source: ImageSource): ImageSource {
  if (source.kind !== 'url' || !URL.canParse(source.url)) return source
  const url = new URL(source.url)
  url.username = ''
  url.password = ''
  url.search = ''
  url.hash = ''
  return { ...source, url: url.href }
}
