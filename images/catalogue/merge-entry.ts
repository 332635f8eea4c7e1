import { type CatalogueEntry, type CatalogueOverride, entryDefaults } from './entry.ts'

/**
 * Lays what a host file says over one of our entries, or over the defaults where it names a new image.
 * A new source drops the old one whole: a checksum, a format or a kernel of another file must not outlive it.
 */
export function mergeEntry(
  name: string,
  base: CatalogueEntry | undefined,
  override: CatalogueOverride,
): CatalogueEntry {
  const said = withoutUndefined(override)
  const newSource = said.url ?? said.path ?? said.build
  const ground = base ?? { ...entryDefaults, name, title: name }
  return {
    ...ground,
    ...(newSource === undefined ? {} : sourceDefaults),
    // A pinned digest is stronger than the publisher's checksum file.
    ...(said.digest === undefined ? {} : { checksum: undefined }),
    ...said,
    name,
    resources: { ...ground.resources, ...withoutUndefined(override.resources ?? {}) },
  }
}

const { url, checksum, digest, path, build, format, compression, kernel, initrd, append, downloadSize } =
  entryDefaults
const sourceDefaults = {
  url,
  checksum,
  digest,
  path,
  build,
  format,
  compression,
  kernel,
  initrd,
  append,
  downloadSize,
}

function withoutUndefined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> }
}
