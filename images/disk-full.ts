import { statfs } from 'node:fs/promises'
import { InfraError } from '../config/errors.ts'

/** EFBIG is a limit on file size (ulimit -f), EDQUOT a quota: to a person both mean that there is no room. */
const fullCodes = ['ENOSPC', 'EDQUOT', 'EFBIG']

/** Whether the system said that a write found no room. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && fullCodes.includes(String(error.code))
}

/** The same of what already has its class. */
export function isNoRoom(error: unknown): boolean {
  return isDiskFull(error) || (error instanceof InfraError && error.class === 'host-disk-full')
}

/** `what` names the work, such as `downloading image debian-12`. */
export function diskFullError(what: string, folder: string, cause?: unknown): InfraError {
  return new InfraError('host-disk-full', `${what}: expected room in ${folder}, got a full disk`, {
    hint: 'Free some space (mayfly images gc removes what no machine uses), or choose another --data folder.',
    cause,
  })
}

/**
 * Refuses work that cannot end well, before its first byte.
 *
 * @param need bytes still to be written
 * @throws InfraError `host-disk-full`
 */
export async function checkFreeSpace(what: string, folder: string, need: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  const free = bavail * bsize
  if (free < need) {
    throw new InfraError(
      'host-disk-full',
      `${what}: expected ${mebibytes(need)} MiB free in ${folder}, got ${mebibytes(free)} MiB`,
      {
        hint: 'Free some space (mayfly images gc removes what no machine uses), or choose another --data folder.',
      },
    )
  }
}

const mebibytes = (bytes: number) => Math.ceil(bytes / 2 ** 20)
