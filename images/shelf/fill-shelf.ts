import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { diskFullError, isDiskFull } from '../disk-full.ts'
import { downloadsFolder, lockFile, newWorkFolder } from '../filenames.ts'
import type { OnImageProgress } from '../image-progress.ts'
import { withLock } from '../lock.ts'
import { type OnShelf, readCurrent } from './read-current.ts'

type Options = {
  readonly dataFolder: string
  readonly name: string
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
  /** Whether what is there does not serve; asked when nobody else can change it any more. */
  readonly needed: (onShelf: OnShelf) => Promise<boolean>
}

/**
 * Frame of every pull and build: one at a time per image and host. Who had to wait and finds that the other one
 * brought the image goes home. `work` gets an empty folder on the shelf's filesystem, removed afterwards whatever
 * comes.
 */
export async function fillShelf(
  options: Options,
  work: (workFolder: string) => Promise<void>,
): Promise<void> {
  const { dataFolder, name, signal, onProgress, needed } = options
  const before = version(await readCurrent(dataFolder, name))
  const onWait = ({ pid }: { pid: number }) => onProgress({ phase: 'waiting', pid })
  const downloads = downloadsFolder(dataFolder, name)
  try {
    await withLock({ path: lockFile(dataFolder, name), signal, onWait }, async () => {
      const now = await readCurrent(dataFolder, name)
      const broughtByAnother = now.kind === 'present' && version(now) !== before
      if (broughtByAnother || !(await needed(now))) {
        return
      }
      await sweepWorkFolders(downloads)
      const workFolder = newWorkFolder(downloads)
      await mkdir(workFolder, { recursive: true })
      try {
        await work(workFolder)
      } finally {
        await rm(workFolder, { recursive: true, force: true })
      }
    })
  } catch (error) {
    throw isDiskFull(error) ? diskFullError(`bringing image ${name} to the shelf`, downloads, error) : error
  }
}

function version(onShelf: OnShelf): string | undefined {
  return onShelf.kind === 'present' ? onShelf.manifest.digest + onShelf.manifest.created : undefined
}

/** What a killed pull left half done; its lock is ours now. */
async function sweepWorkFolders(downloads: string): Promise<void> {
  const names = await readdir(downloads).catch(() => [])
  for (const name of names.filter((entry) => entry.startsWith('work-'))) {
    await rm(join(downloads, name), { recursive: true, force: true })
  }
}
