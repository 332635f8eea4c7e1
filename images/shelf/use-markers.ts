import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InfraError } from '../../config/errors.ts'
import { writeFileAtomic } from '../atomic-file.ts'
import { diskFullError, isDiskFull } from '../disk-full.ts'
import { usersFolder } from '../filenames.ts'
import type { ShelfImage } from '../image.ts'
import { isAlive, type ProcessIdentity, processIdentitySchema } from '../process-identity.ts'

export type ImageUse = { release(): Promise<void> }

export type ImageUser = {
  readonly machineId: string
  /**
   * Whose life is the use: the runner's own while it prepares a machine, QEMU's once that runs. Calling again
   * with the same machine hands the use over.
   */
  readonly process: ProcessIdentity
}

/**
 * Says that a machine stands on this disk, so that `rm` and `gc` leave it alone until the use is released or its
 * process is gone.
 *
 * @throws InfraError `image` where the image was removed since it was resolved
 */
export async function useImage(
  image: Pick<ShelfImage, 'name' | 'disk'>,
  { machineId, process }: ImageUser,
): Promise<ImageUse> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(machineId)) {
    throw new Error(
      `expected a machine id of letters, digits, dots, dashes and underscores, got ${JSON.stringify(machineId)}`,
    )
  }
  const users = usersFolder(dirname(image.disk))
  const path = join(users, machineId)
  try {
    // Not recursive: a removal renames the folder first, and a marker must not bring it back.
    await mkdir(users).catch(ignoreExisting)
    await writeFileAtomic(path, JSON.stringify(process))
  } catch (cause) {
    if (isDiskFull(cause)) {
      throw diskFullError(`starting from image ${image.name}`, users, cause)
    }
    throw new InfraError(
      'image',
      `image ${JSON.stringify(image.name)}: expected ${image.disk}, got nothing there any more`,
      {
        hint: `It was removed or replaced just now: try again, or run: mayfly images pull ${image.name}`,
        cause,
      },
    )
  }
  return { release: () => rm(path, { force: true }) }
}

/** Machines on this disk whose process is alive; markers of the dead are swept on the way. */
export async function liveUsers(digestFolder: string): Promise<string[]> {
  const users = usersFolder(digestFolder)
  const live: string[] = []
  const names = await readdir(users).catch(() => [])
  for (const machineId of names.filter((name) => !name.endsWith('.tmp'))) {
    const identity = await readMarker(join(users, machineId))
    if (identity !== undefined && isAlive(identity)) {
      live.push(machineId)
    } else {
      await rm(join(users, machineId), { force: true })
    }
  }
  return live
}

async function readMarker(path: string): Promise<ProcessIdentity | undefined> {
  try {
    return processIdentitySchema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data
  } catch {
    return undefined
  }
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') {
    throw error
  }
}
