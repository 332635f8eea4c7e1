import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { imageFolder, isDigestName } from '../filenames.ts'
import { namesOnShelf } from './list-images.ts'
import { liveUsers } from './use-markers.ts'

/** Takes away what machines whose process was killed still say of standing on an image. */
export async function sweepUses(dataFolder: string): Promise<void> {
  for (const name of await namesOnShelf(dataFolder)) {
    const folder = imageFolder(dataFolder, name)
    const versions = await readdir(folder).catch(() => [])
    for (const version of versions.filter(isDigestName)) await liveUsers(join(folder, version))
  }
}
