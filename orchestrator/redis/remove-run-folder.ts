import { lstat, rm, rmdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { isAlive } from '../../images/process-identity.ts'
import type { RedisPaths } from './filenames.ts'
import { isDeadSocket } from './is-dead-socket.ts'
import { readRedisRecord } from './redis-record.ts'

type Removal = { paths: Pick<RedisPaths, 'record' | 'runFolder' | 'socket'>; uid: number }

/**
 * Removes the run folder that a killed supervisor of this data folder left, wherever its environment put it. To be
 * called by the holder of the lock, when the server in it has been ended.
 *
 * Only what can be nothing else: a folder of ours that is named after this very data folder, for a record may have come
 * here with a copy of another one; whose socket nobody answers on; and which holds nothing but that socket.
 */
export async function removeRunFolder({ paths, uid }: Removal): Promise<void> {
  const left = await readRedisRecord(paths.record)
  if (left === undefined) return
  const folder = dirname(left.socket)
  const isOurs =
    basename(folder) === basename(paths.runFolder) && basename(left.socket) === basename(paths.socket)
  if (!isOurs) return
  const found = await lstat(folder).catch(() => undefined)
  if (found === undefined || !found.isDirectory() || found.uid !== uid) return
  if (isAlive(left) || !(await isDeadSocket(left.socket))) return
  await rm(left.socket, { force: true })
  // Not recursive: whatever else lies there is nobody's to remove.
  await rmdir(folder).catch(() => undefined)
}
