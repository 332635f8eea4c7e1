import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { artifactsName, orderName, progressName } from '../../../runner/job/filenames.ts'
import { folderFiles } from '../../../runner/job/folder-files.ts'
import { attemptKey, completeName, liveKey } from './keys.ts'
import type { ObjectStore } from './object-store.ts'

type Whole = {
  readonly store: Pick<ObjectStore, 'put' | 'putFile' | 'removeAll'>
  readonly attempt: string
  /** Of the attempt, on this host. */
  readonly folder: string
  /** How each file was when the bucket got it; grows. */
  readonly shipped: Map<string, string>
}

/** Frozen machines are for their host alone; the others are of no use to anybody later. */
const stays = (path: string) =>
  /^parked([./]|$)/.test(path) || path === progressName || path === orderName || path.endsWith('.new')

/**
 * Brings all files of an attempt that has ended to the bucket, those that have changed since the last time, and says
 * there that it has them all; then what was brought while it ran goes.
 */
export async function shipWhole({ store, attempt, folder, shipped }: Whole): Promise<void> {
  const files = (await folderFiles(folder).list('.')).filter(({ path }) => !stays(path))
  let isNew = shipped.size === 0
  for (const { path } of files) {
    const { size, mtimeMs } = await stat(join(folder, path))
    const version = `${size} ${mtimeMs}`
    if (shipped.get(path) === version) continue
    await store.putFile(attemptKey(attempt, path), join(folder, path))
    shipped.set(path, version)
    isNew = true
  }
  if (!isNew) return
  // A folder: there also where it is empty.
  await store.put(attemptKey(attempt, `${artifactsName}/`), '')
  await store.put(attemptKey(attempt, completeName), `${JSON.stringify({ files: files.length })}\n`)
  await store.removeAll(liveKey(attempt))
}
