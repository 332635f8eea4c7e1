import { readdir, rename, rm } from 'node:fs/promises'
import type { Logger } from 'pino'
import { withFreeLock } from '../../images/lock.ts'
import { bytesIn } from '../pressure/bytes-in.ts'
import {
  keyOfMirror,
  mirrorFolder,
  mirrorLock,
  mirrorsFolder,
  mirrorUsers,
  mirrorUsersLock,
} from './filenames.ts'
import { isUsed, lastUse } from './mirror-use.ts'

type Prune = {
  readonly dataFolder: string
  /** Bytes that are to become free. */
  readonly bytes: number
  readonly log: Pick<Logger, 'info'>
  /** A mirror that was used less than so many ms ago stays: what was fetched is about to be read. @defaultValue 10 min */
  readonly youngMs?: number
}

/**
 * Removes mirrors, the one whose last use is longest ago first, until enough is free. Each comes back when it is needed.
 * Never one that is fetched into or read from. Gives the number removed.
 */
export async function pruneMirrors({ dataFolder, bytes, log, youngMs = 600_000 }: Prune): Promise<number> {
  let [removed, freed] = [0, 0]
  for (const key of await longestUnused(dataFolder, Date.now() - youngMs)) {
    if (freed >= bytes) break
    const folder = mirrorFolder(dataFolder, key)
    const size = await bytesIn(folder)
    if (!(await removeUnused(dataFolder, key))) continue
    freed += size
    removed++
    log.info({ repository: key, bytes: size }, 'removed a mirror to make room: limits.mirrors_bytes')
  }
  return removed
}

/** Keys of the mirrors that were not used since, the longest unused first. */
async function longestUnused(dataFolder: string, since: number): Promise<string[]> {
  const keys = await mirroredHere(dataFolder)
  const used = await Promise.all(
    keys.map(async (key) => ({
      key,
      at: await lastUse(mirrorFolder(dataFolder, key), mirrorUsers(dataFolder, key)),
    })),
  )
  return used
    .filter(({ at }) => at <= since)
    .sort((a, b) => a.at - b.at)
    .map(({ key }) => key)
}

/** Keys of the repositories that have a mirror on this host. */
export async function mirroredHere(dataFolder: string): Promise<string[]> {
  const names = await readdir(mirrorsFolder(dataFolder)).catch(() => [])
  return names.map(keyOfMirror).filter((key) => key !== undefined)
}

/** False where somebody fetches into it or reads from it: the one holds the one lock, the other takes the other. */
export async function removeUnused(dataFolder: string, key: string): Promise<boolean> {
  const folder = mirrorFolder(dataFolder, key)
  const users = mirrorUsers(dataFolder, key)
  const removed = await withFreeLock(mirrorLock(dataFolder, key), async () => {
    const gone = `${folder}.part`
    const isMoved = await withFreeLock(mirrorUsersLock(dataFolder, key), async () => {
      if (await isUsed(users)) return false
      await rm(gone, { recursive: true, force: true })
      // At once, for a reader must find all of it or nothing.
      await rename(folder, gone)
      return true
    })
    if (isMoved !== true) return false
    for (const path of [gone, users]) await rm(path, { recursive: true, force: true })
    return true
  })
  return removed === true
}
