import { statfs } from 'node:fs/promises'
import { formatSize } from '../../config/size.ts'

type Look = {
  /** Absolute paths; one that is not there yet is left out. */
  readonly folders: readonly string[]
  /** Bytes that have to be free. */
  readonly least: number
}

/** Files that have to be possible beside the bytes: a disk can be full of them. */
const leastFiles = 1000

/** Which folder's disk has too little room, in words; undefined where none has. */
export async function diskShortage({ folders, least }: Look): Promise<string | undefined> {
  for (const folder of new Set(folders)) {
    const disk = await statfs(folder).catch(() => undefined)
    if (disk === undefined) continue
    const free = disk.bavail * disk.bsize
    if (free < least) return `${folder} has ${formatSize(free)} free, of at least ${formatSize(least)}`
    // File systems without a number of files say 0 of 0.
    if (disk.files > 0 && disk.ffree < leastFiles) return `${folder} has room for ${disk.ffree} files only`
  }
  return undefined
}
