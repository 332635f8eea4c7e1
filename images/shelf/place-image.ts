import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InfraError } from '../../config/errors.ts'
import { syncPath } from '../atomic-file.ts'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import {
  currentLink,
  digestName,
  diskFile,
  imageFolder,
  initrdFile,
  kernelFile,
  packagesFile,
} from '../filenames.ts'
import { hashFile } from '../hash-file.ts'
import type { OnImageProgress } from '../image-progress.ts'
import { type ImageSource, type Manifest, writeManifest } from '../manifest.ts'
import { findDamage } from './find-damage.ts'
import { liveUsers } from './use-markers.ts'

type Options = {
  readonly dataFolder: string
  readonly entry: CatalogueEntry
  readonly source: ImageSource
  /** An inspected qcow2 on the shelf's filesystem; moved. */
  readonly disk: string
  readonly virtualSize: number
  /** For direct boot; copied. */
  readonly kernel: { readonly image: string; readonly initrd: string; readonly append: string } | undefined
  /** A list of what is installed, a package a line; copied. */
  readonly packages?: string | undefined
  /** A folder of the caller's, in which the digest folder is put together. */
  readonly workFolder: string
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
}

/**
 * The last step of every pull and build: hashes the disk, makes everything read-only and durable, and only then
 * lets it appear under its name. Until the link is turned, machines start from what was there before.
 */
export async function placeImage(options: Options): Promise<void> {
  const { dataFolder, entry, disk, kernel, packages, workFolder, signal } = options
  const staging = join(workFolder, 'staging')
  await mkdir(staging)
  await rename(disk, join(staging, diskFile))
  if (kernel !== undefined) {
    await copyFile(kernel.image, join(staging, kernelFile))
    await copyFile(kernel.initrd, join(staging, initrdFile))
  }
  if (packages !== undefined) await copyFile(packages, join(staging, packagesFile))
  const manifest = await describe(staging, options)
  await writeManifest(staging, manifest)
  const files = [
    diskFile,
    ...(kernel === undefined ? [] : [kernelFile, initrdFile]),
    ...(packages === undefined ? [] : [packagesFile]),
  ]
  for (const file of files) {
    await chmod(join(staging, file), 0o444)
    await syncPath(join(staging, file))
  }
  await syncPath(staging)
  signal.throwIfAborted()
  await putInPlace(staging, manifest, options)
  await turnLink(currentLink(dataFolder, entry.name), digestName(manifest.digest))
}

async function describe(staging: string, options: Options): Promise<Manifest> {
  const { entry, source, virtualSize, kernel, packages, signal, onProgress } = options
  const disk = join(staging, diskFile)
  return {
    version: 1,
    name: entry.name,
    digest: await hashFile(disk, { signal, onProgress }),
    size: (await stat(disk)).size,
    virtualSize,
    created: new Date().toISOString(),
    source,
    kernel:
      kernel === undefined
        ? null
        : {
            imageDigest: await hashFile(join(staging, kernelFile), { signal }),
            initrdDigest: await hashFile(join(staging, initrdFile), { signal }),
            append: kernel.append,
          },
    ...(packages !== undefined && { packages: await describePackages(join(staging, packagesFile), signal) }),
    profile: {
      user: entry.user,
      firmware: entry.firmware,
      diskBus: entry.diskBus,
      nic: entry.nic,
      resources: entry.resources,
      readyPattern: entry.readyPattern,
      seed: entry.seed,
      userData: entry.userData ?? null,
    },
  }
}

async function describePackages(
  file: string,
  signal: AbortSignal,
): Promise<NonNullable<Manifest['packages']>> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  return { digest: await hashFile(file, { signal }), count: lines.filter((line) => line !== '').length }
}

/** The same disk may be there already: a sound folder is kept with its users, a damaged one makes way. */
async function putInPlace(staging: string, manifest: Manifest, options: Options): Promise<void> {
  const { dataFolder, entry, workFolder, signal, onProgress } = options
  const folder = join(imageFolder(dataFolder, entry.name), digestName(manifest.digest))
  await mkdir(dirname(folder), { recursive: true })
  if (existsSync(folder)) {
    const damage = await findDamage(folder, manifest, { signal, onProgress })
    if (damage.length === 0) {
      return writeManifest(folder, manifest)
    }
    const users = await liveUsers(folder)
    if (users.length > 0) {
      throw new InfraError(
        'image',
        `image ${JSON.stringify(entry.name)}: expected to replace the damaged ${folder}, got machines on it: ${users.join(', ')}`,
        { hint: 'Try again when these machines have ended.' },
      )
    }
    await rename(folder, join(workFolder, 'replaced'))
  }
  await rename(staging, folder)
  await syncPath(dirname(folder))
}

/** A link cannot be rewritten, but a new one can be renamed over it in one step. */
async function turnLink(link: string, target: string): Promise<void> {
  const fresh = `${link}.${process.pid}.tmp`
  await rm(fresh, { force: true })
  await symlink(target, fresh)
  await rename(fresh, link)
  await syncPath(dirname(link))
}
