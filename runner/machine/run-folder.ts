import { lstat, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError } from '../../config/errors.ts'

type RunFolder = {
  /** `runFolder` of `machinePaths`. */
  readonly folder: string
  readonly uid: number
}

/**
 * Makes the folder of a machine's sockets, and the one above it, for their owner alone. Whoever can write to a QMP
 * socket owns the machine, and in /tmp another user may have been there first.
 *
 * @throws {ConfigError} when either folder is someone else's, open to others, or no folder at all
 */
export async function makeRunFolder({ folder, uid }: RunFolder): Promise<void> {
  await makeOwnFolder(dirname(folder), { uid, forbidden: 0o022 })
  await makeOwnFolder(folder, { uid, forbidden: 0o077 })
}

/**
 * Makes a folder of `uid`, without the permission bits `forbidden`, where others could have been first.
 * @throws {ConfigError} when it is someone else's, open to others, or no folder at all
 */
export async function makeOwnFolder(
  path: string,
  { uid, forbidden }: { uid: number; forbidden: number },
): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw refused(path, error.message, error)
  })
  // lstat, for a link would lead to where its maker likes.
  const found = await lstat(path)
  if (!found.isDirectory()) throw refused(path, 'something that is no folder')
  if (found.uid !== uid) throw refused(path, `one of user ${found.uid}`)
  if (found.mode & forbidden) throw refused(path, `mode ${(found.mode & 0o777).toString(8)}`)
}

function refused(path: string, got: string, cause?: unknown): ConfigError {
  return new ConfigError(`Expected a folder ${path} that is ours alone, got ${got}`, {
    hint: `Remove ${path}, or set XDG_RUNTIME_DIR to a folder of your own.`,
    cause,
  })
}
