import { basename } from 'node:path'
import type { ImageProvenance } from '../../images/image.ts'

/** Where the image of a job is from, in a few words. */
export function describeImage({ digest, source, created, packages }: ImageProvenance): string {
  const from =
    source.kind === 'url'
      ? `pulled from ${source.url}`
      : source.kind === 'path'
        ? `taken from ${basename(source.path)}`
        : `built here by ${source.builder}`
  const listed =
    packages === undefined ? '' : `, ${packages.count} packages (${packages.digest.slice(0, 19)})`
  return `${digest.slice(0, 19)}, ${from} on ${created.slice(0, 10)}${listed}`
}
