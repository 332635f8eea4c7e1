import type { CatalogueEntry } from '../../images/catalogue/entry.ts'
import { entryDefaults } from '../../images/catalogue/entry.ts'

/** An entry for tests, named `test` unless told otherwise. */
export function testEntry(parts: Partial<CatalogueEntry>): CatalogueEntry {
  return { ...entryDefaults, name: 'test', title: 'Test', ...parts }
}
