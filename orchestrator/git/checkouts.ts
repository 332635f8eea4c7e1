import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ulid } from 'ulid'
import {
  isAlive,
  ownIdentity,
  type ProcessIdentity,
  processIdentitySchema,
} from '../../images/process-identity.ts'
import { checkoutsFolder, ownerFile, treeFolder } from './filenames.ts'

/** A new empty folder for a tree, marked as this process's own. */
export async function makeCheckout(dataFolder: string): Promise<{ folder: string; tree: string }> {
  const folder = join(checkoutsFolder(dataFolder), ulid().toLowerCase())
  await mkdir(checkoutsFolder(dataFolder), { recursive: true, mode: 0o700 })
  await mkdir(folder, { mode: 0o700 })
  await writeFile(ownerFile(folder), JSON.stringify(ownIdentity()))
  await mkdir(treeFolder(folder))
  return { folder, tree: treeFolder(folder) }
}

/** Removes the trees of processes that are no more: nobody is left to release them. */
export async function sweepCheckouts(dataFolder: string): Promise<void> {
  const all = checkoutsFolder(dataFolder)
  for (const id of await readdir(all).catch(() => [])) {
    const folder = join(all, id)
    const owner = await readOwner(folder)
    if (owner !== undefined && !isAlive(owner)) await rm(folder, { recursive: true, force: true })
  }
}

/** Undefined too for a folder whose maker is about to write its name into it. */
async function readOwner(folder: string): Promise<ProcessIdentity | undefined> {
  try {
    return processIdentitySchema.safeParse(JSON.parse(await readFile(ownerFile(folder), 'utf8'))).data
  } catch {
    return undefined
  }
}
