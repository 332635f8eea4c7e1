import { statfs } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { makeOwnFolder } from '../machine/run-folder.ts'

/** `f_type` of tmpfs and ramfs, see statfs(2). */
const memoryBacked: ReadonlySet<number> = new Set([0x01021994, 0x858458f6])

/** Where what must never lie on a disk is kept beside this process; gone with a reboot. */
export function memoryFolder(): string {
  return `/dev/shm/mayfly-${userInfo().uid}`
}

/**
 * Makes `memoryFolder` for this user alone; undefined where this host has no memory-backed place.
 * @throws ConfigError where somebody else made it
 */
export async function makeMemoryFolder(): Promise<string | undefined> {
  const folder = memoryFolder()
  const found = await statfs(dirname(folder)).catch(() => undefined)
  if (found === undefined || !memoryBacked.has(found.type)) return undefined
  await makeOwnFolder(folder, { uid: userInfo().uid, forbidden: 0o077 })
  return folder
}
