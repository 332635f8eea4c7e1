import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'

/** A folder for the tests of a file, in memory where there is one: ten thousand cases have no use for a disk. */
export function scratchFolder(): { readonly path: (name: string) => string; readonly folder: () => string } {
  const memory = '/dev/shm'
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), 'mayfly-fuzz-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return { folder: () => folder, path: (name) => join(folder, name) }
}
