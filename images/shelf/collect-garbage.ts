import { readdir, readlink, rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { currentLink, downloadsFolder, imagesFolder, lockFile, locksFolder } from '../filenames.ts'
import { lockHolder, withFreeLock } from '../lock.ts'
import { namesOnShelf } from './list-images.ts'
import { bytesIn, removeDigestFolder } from './remove-digest-folder.ts'
import { versionsOf } from './remove-image.ts'

export type Garbage = { readonly path: string; readonly freed: number }

/**
 * Removes what no machine will start from again: versions of images that a newer one replaced, what broken pulls
 * left, and locks of processes that died. Leaves alone what is current, what a machine stands on and what a pull
 * is at work on.
 *
 * @param maxAge milliseconds for which superseded versions and partial downloads are kept; 0 for none
 */
export async function collectGarbage(dataFolder: string, maxAge = 0): Promise<Garbage[]> {
  const garbage: Garbage[] = []
  const downloads = await readdir(join(imagesFolder(dataFolder), '.downloads')).catch(() => [])
  for (const name of new Set([...(await namesOnShelf(dataFolder)), ...downloads])) {
    const found = await withFreeLock(lockFile(dataFolder, name), async () => [
      ...(await removeSuperseded(dataFolder, name, maxAge)),
      ...(await removeDownloads(dataFolder, name, maxAge)),
    ])
    garbage.push(...(found ?? []))
  }
  await removeDeadLocks(dataFolder)
  return garbage
}

async function removeSuperseded(dataFolder: string, name: string, maxAge: number): Promise<Garbage[]> {
  const current = await readlink(currentLink(dataFolder, name)).catch(() => undefined)
  const garbage: Garbage[] = []
  for (const path of await versionsOf(dataFolder, name)) {
    if (basename(path) !== current && (await isOlder(path, maxAge))) {
      const removal = await removeDigestFolder(path, downloadsFolder(dataFolder, name))
      if ('freed' in removal) {
        garbage.push({ path, freed: removal.freed })
      }
    }
  }
  return garbage
}

async function removeDownloads(dataFolder: string, name: string, maxAge: number): Promise<Garbage[]> {
  const folder = downloadsFolder(dataFolder, name)
  const names = await readdir(folder).catch(() => [])
  const garbage: Garbage[] = []
  for (const path of names.map((entry) => join(folder, entry))) {
    if (await isOlder(path, maxAge)) {
      garbage.push({ path, freed: await bytesIn(path) })
      await rm(path, { recursive: true, force: true })
    }
  }
  return garbage
}

/** A lock is written and linked within a moment; what is a minute old and has no living owner is dead. */
async function removeDeadLocks(dataFolder: string): Promise<void> {
  const folder = locksFolder(dataFolder)
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name)
    if (lockHolder(path) === undefined && (await isOlder(path, 60_000))) {
      await rm(path, { force: true })
    }
  }
}

async function isOlder(path: string, age: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs >= age
}
