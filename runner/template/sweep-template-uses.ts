import { readdir } from 'node:fs/promises'
import { liveUsers } from '../../images/shelf/use-markers.ts'
import { checkpointsFolder, isTemplateKey, templateFolder, templatesFolder } from './filenames.ts'

/** Takes away what machines whose process was killed still say of standing on a template or a checkpoint. */
export async function sweepTemplateUses(dataFolder: string): Promise<void> {
  for (const shelf of [templatesFolder(dataFolder), checkpointsFolder(dataFolder)]) {
    const keys = await readdir(shelf).catch(() => [])
    for (const key of keys.filter(isTemplateKey)) await liveUsers(templateFolder(shelf, key))
  }
}
