import { ConfigError } from '../config/errors.ts'
import { nearest } from '../config/nearest.ts'
import { checkEntry } from './catalogue/check-entry.ts'
import { debianImages } from './catalogue/debian.ts'
import { enterpriseLinuxImages } from './catalogue/enterprise-linux.ts'
import type { CatalogueEntry, CatalogueOverride } from './catalogue/entry.ts'
import { mergeEntry } from './catalogue/merge-entry.ts'
import { ubuntuImages } from './catalogue/ubuntu.ts'

export type { CatalogueEntry, CatalogueOverride } from './catalogue/entry.ts'

/** The image of a job that names none. */
export const defaultImage = 'debian-12-local'

/** Every image that can be named on this host. */
export type Catalogue = ReadonlyMap<string, CatalogueEntry>

/**
 * Our images with the host file's laid over them, in the order in which they are listed.
 *
 * @throws ConfigError for an entry of the host file that cannot serve
 */
export function openCatalogue(overrides: Readonly<Record<string, CatalogueOverride>> = {}): Catalogue {
  const entries = new Map<string, CatalogueEntry>()
  for (const entry of [...debianImages, ...ubuntuImages, ...enterpriseLinuxImages]) {
    entries.set(entry.name, entry)
  }
  for (const [name, override] of Object.entries(overrides)) {
    const entry = mergeEntry(name, entries.get(name), override)
    checkEntry(entry)
    entries.set(name, entry)
  }
  return entries
}

/** @throws ConfigError for an unknown name, with the known ones and the nearest */
export function findEntry(name: string, catalogue: Catalogue): CatalogueEntry {
  const entry = catalogue.get(name)
  if (entry !== undefined) {
    return entry
  }
  const known = [...catalogue.keys()]
  const close = nearest(name, known)
  throw new ConfigError(`unknown image ${JSON.stringify(name)}: expected one of ${known.join(', ')}`, {
    hint: close === undefined ? 'Name one of these, or add it to the host file.' : `Did you mean ${close}?`,
  })
}
