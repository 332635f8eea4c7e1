import { rm } from 'node:fs/promises'
import type { Scope } from '../scope.ts'
import type { MachinePaths } from './filenames.ts'

/** Has a machine's folders removed with its scope. */
export async function deferFolders(paths: MachinePaths, scope: Scope): Promise<void> {
  await scope.defer('machine folder', () => rm(paths.folder, { recursive: true, force: true }))
  await scope.defer('run folder', () => rm(paths.runFolder, { recursive: true, force: true }))
}
