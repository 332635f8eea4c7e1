import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { newWorkFolder } from '../filenames.ts'
import { liveUsers } from './use-markers.ts'

/** What was freed in bytes, or who still stands on the disk. */
export type Removal = { readonly freed: number } | { readonly users: readonly string[] }

/**
 * Removes one version of an image unless a machine stands on it. A machine may come while we look: so the folder
 * is first renamed, after which nobody new can mark it, and put back if somebody did.
 *
 * @param downloads the image's downloads folder, on the same filesystem
 */
export async function removeDigestFolder(folder: string, downloads: string): Promise<Removal> {
  const users = await liveUsers(folder)
  if (users.length > 0) {
    return { users }
  }
  const away = newWorkFolder(downloads)
  await mkdir(dirname(away), { recursive: true })
  await rename(folder, away)
  const late = await liveUsers(away)
  if (late.length > 0) {
    await rename(away, folder)
    return { users: late }
  }
  const freed = await bytesIn(away)
  await rm(away, { recursive: true, force: true })
  return { freed }
}

/** Bytes on the disk, holes not counted. */
export async function bytesIn(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || !found.isDirectory()) {
    return (found?.blocks ?? 0) * 512
  }
  const names = await readdir(path)
  const sizes = await Promise.all(names.map((name) => bytesIn(join(path, name))))
  return sizes.reduce((sum, size) => sum + size, 0)
}
