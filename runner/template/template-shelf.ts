import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises'
import { dirname } from 'node:path'
import { liveUsers } from '../../images/shelf/use-markers.ts'
import { isTemplateKey, newWorkFolder, templateFolder, templatePaths, workFolder } from './filenames.ts'
import { findFault, readManifest } from './manifest.ts'
import type { Template } from './template.ts'

export type ListedTemplate = Template & {
  /** milliseconds since 1970 */
  readonly lastUsed: number
  /** Ids of the machines that stand on it. */
  readonly users: readonly string[]
  /** What is wrong with its files, if anything is. */
  readonly fault: string | undefined
}

/** The template of a key on a shelf; one whose files are not as they were made is thrown away and counts as none. */
export async function findTemplate(
  shelf: string,
  key: string,
  onFault: (fault: string) => void,
): Promise<Template | undefined> {
  const paths = templatePaths(templateFolder(shelf, key))
  const manifest = await readManifest(paths.manifest)
  if (manifest === undefined) return undefined
  const fault = manifest.key === key ? await findFault(paths, manifest) : 'it is that of another key'
  if (fault === undefined) return { key, paths, manifest }
  onFault(fault)
  await removeTemplate(shelf, key)
  return undefined
}

/**
 * Takes a template away. Machines that stand on it keep its files, which are gone with the last of them: nothing is
 * ever truncated or written.
 */
export async function removeTemplate(shelf: string, key: string): Promise<boolean> {
  const away = newWorkFolder(shelf, key)
  await mkdir(dirname(away), { recursive: true, mode: 0o700 })
  try {
    await rename(templateFolder(shelf, key), away)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
  await rm(away, { recursive: true, force: true })
  return true
}

/** All templates of a shelf, the one that was used last first. */
export async function listTemplates(shelf: string): Promise<ListedTemplate[]> {
  const names = await readdir(shelf).catch(() => [])
  const found: ListedTemplate[] = []
  for (const key of names.filter(isTemplateKey)) {
    const paths = templatePaths(templateFolder(shelf, key))
    const manifest = await readManifest(paths.manifest)
    if (manifest === undefined) continue
    found.push({
      key,
      paths,
      manifest,
      lastUsed: (await stat(paths.manifest)).mtimeMs,
      users: await liveUsers(paths.folder),
      fault: await findFault(paths, manifest),
    })
  }
  return found.sort((a, b) => b.lastUsed - a.lastUsed)
}

/** Notes that a machine was started from it just now; of one that was removed meanwhile there is nothing to note. */
export async function touchTemplate({ paths }: Template): Promise<void> {
  const now = new Date()
  await utimes(paths.manifest, now, now).catch(() => undefined)
}

type Evict = {
  readonly shelf: string
  /** bytes of all on the shelf together */
  readonly quota: number
  /** milliseconds since its last use */
  readonly maxAge: number
  /** One that is just being used. */
  readonly keep?: string
}

/** Removes templates that nobody used for long, and then the least recently used until all fit; gives their keys. */
export async function evictTemplates({ shelf, quota, maxAge, keep }: Evict): Promise<string[]> {
  const evicted: string[] = []
  let room = quota
  for (const { key, manifest, lastUsed, users, fault } of await listTemplates(shelf)) {
    const fits = manifest.bytes <= room && Date.now() - lastUsed <= maxAge && fault === undefined
    if (fits || users.length > 0 || key === keep) {
      room -= manifest.bytes
      continue
    }
    await removeTemplate(shelf, key)
    evicted.push(key)
  }
  return evicted
}

const abandonedMs = 24 * 60 * 60 * 1000

/** Clears away what killed builders left. */
export async function sweepWork(shelf: string): Promise<void> {
  const folder = workFolder(shelf)
  for (const name of await readdir(folder).catch(() => [])) {
    const path = `${folder}/${name}`
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }))
    if (Date.now() - mtimeMs > abandonedMs) await rm(path, { recursive: true, force: true })
  }
}
