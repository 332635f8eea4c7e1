import { lstat, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { currentLink, diskFile, imageFolder, initrdFile, isDigestName, kernelFile } from '../filenames.ts'
import { type Manifest, readManifest } from '../manifest.ts'

/** What the shelf has under a name. */
export type OnShelf =
  | { readonly kind: 'absent' }
  | { readonly kind: 'present'; readonly folder: string; readonly manifest: Manifest }
  /** Something is there, but not what its manifest says. */
  | { readonly kind: 'damaged'; readonly folder: string; readonly found: string }

/** Looks at names and sizes only; `verify` reads the bytes. */
export async function readCurrent(dataFolder: string, name: string): Promise<OnShelf> {
  const target = await readlink(currentLink(dataFolder, name)).catch(() => undefined)
  if (target === undefined || !isDigestName(target)) {
    return { kind: 'absent' }
  }
  const folder = join(imageFolder(dataFolder, name), target)
  if ((await lstat(folder).catch(() => undefined)) === undefined) {
    return { kind: 'absent' }
  }
  const manifest = await readManifest(folder)
  if (manifest === undefined) {
    return { kind: 'damaged', folder, found: 'no readable manifest.json' }
  }
  const found = await misfit(folder, manifest)
  return found === undefined ? { kind: 'present', folder, manifest } : { kind: 'damaged', folder, found }
}

async function misfit(folder: string, { size, kernel }: Manifest): Promise<string | undefined> {
  const actual = await sizeOf(join(folder, diskFile))
  if (actual !== size) {
    return actual === undefined ? `no ${diskFile}` : `${diskFile} of ${actual} bytes instead of ${size}`
  }
  for (const file of kernel === null ? [] : [kernelFile, initrdFile]) {
    if ((await sizeOf(join(folder, file))) === undefined) {
      return `no ${file}`
    }
  }
  return undefined
}

async function sizeOf(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.size
}
