import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { InfraError } from '../../config/errors.ts'
import { currentLink, downloadsFolder, imageFolder, isDigestName, lockFile } from '../filenames.ts'
import { lockHolder, withFreeLock } from '../lock.ts'
import { removeDigestFolder } from './remove-digest-folder.ts'
import { liveUsers } from './use-markers.ts'

/**
 * Takes every version of an image off the shelf, and what its pulls left; returns the bytes freed.
 *
 * @throws InfraError `image` while a machine stands on one of them, or a pull or build is under way
 */
export async function removeImage(dataFolder: string, name: string): Promise<number> {
  const lock = lockFile(dataFolder, name)
  const freed = await withFreeLock(lock, () => removeVersions(dataFolder, name))
  if (freed === undefined) {
    const holder = lockHolder(lock)?.pid
    throw new InfraError(
      'image',
      `image ${JSON.stringify(name)}: expected it at rest, got process ${holder} at work on it`,
      {
        hint: 'Wait for that pull or build to end, or end it.',
      },
    )
  }
  return freed
}

async function removeVersions(dataFolder: string, name: string): Promise<number> {
  const folder = imageFolder(dataFolder, name)
  const downloads = downloadsFolder(dataFolder, name)
  const versions = await versionsOf(dataFolder, name)
  for (const version of versions) {
    refuseUsers(name, await liveUsers(version))
  }
  let freed = 0
  for (const version of versions) {
    const removal = await removeDigestFolder(version, downloads)
    if ('users' in removal) {
      refuseUsers(name, removal.users)
    } else {
      freed += removal.freed
    }
  }
  await rm(currentLink(dataFolder, name), { force: true })
  await rm(folder, { recursive: true, force: true })
  await rm(downloads, { recursive: true, force: true })
  return freed
}

/** The digest folders of an image, current or superseded. */
export async function versionsOf(dataFolder: string, name: string): Promise<string[]> {
  const folder = imageFolder(dataFolder, name)
  const names = await readdir(folder).catch(() => [])
  return names.filter(isDigestName).map((version) => join(folder, version))
}

function refuseUsers(name: string, users: readonly string[]): void {
  if (users.length > 0) {
    throw new InfraError(
      'image',
      `image ${JSON.stringify(name)}: expected no machine on it, got ${users.join(', ')}`,
      {
        hint: 'Wait for their jobs to end, or cancel them.',
      },
    )
  }
}
