import { readdir, stat } from 'node:fs/promises'
import { isTemplateKey, templateFolder, templatePaths } from './filenames.ts'
import { readManifest } from './manifest.ts'

export type Frozen = {
  readonly key: string
  /** Name of its image. */
  readonly image: string
}

/** Templates or checkpoints of a shelf by what their manifests say, the one that was used last first; reads no more. */
export async function listFrozen(shelf: string): Promise<Frozen[]> {
  const keys = (await readdir(shelf).catch(() => [])).filter(isTemplateKey)
  const found = await Promise.all(keys.map((key) => look(shelf, key)))
  return found
    .filter((one) => one !== undefined)
    .sort((a, b) => b.lastUsed - a.lastUsed)
    .map(({ key, image }) => ({ key, image }))
}

async function look(shelf: string, key: string) {
  const { manifest } = templatePaths(templateFolder(shelf, key))
  const [read, info] = await Promise.all([readManifest(manifest), stat(manifest).catch(() => undefined)])
  return read && info && { key, image: read.image.name, lastUsed: info.mtimeMs }
}
