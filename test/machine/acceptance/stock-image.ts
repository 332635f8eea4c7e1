import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../../images/package-root.ts'

/** Files of an image, for the host file. */
export type StockImage = { readonly disk: string; readonly kernel: string; readonly initrd: string }

const suite = 'bookworm'
const recipe = join(import.meta.dirname, 'stock-image')
const dpkgOptions = join(packageRoot(), 'images', 'debian-12-local', 'dpkg.cfg')

/**
 * A Debian with cloud-init as its package comes: what the distributions' cloud images are made of, for a host that
 * cannot download one. Made once for each recipe and kept in `cacheFolder`.
 */
export async function stockImage(cacheFolder: string): Promise<StockImage> {
  const folder = join(cacheFolder, (await recipeDigest()).slice(0, 12))
  if (!existsSync(folder)) await build(folder)
  const [disk, kernel, initrd] = ['disk.qcow2', 'kernel', 'initrd'].map((name) => join(folder, name))
  return { disk: disk ?? '', kernel: kernel ?? '', initrd: initrd ?? '' }
}

async function recipeDigest(): Promise<string> {
  const hash = createHash('sha256').update(suite)
  for (const name of (await readdir(recipe)).sort())
    hash.update(name).update(await readFile(join(recipe, name)))
  return hash.digest('hex')
}

async function build(folder: string): Promise<void> {
  const root = process.getuid?.() === 0
  const draft = `${folder}.${process.pid}`
  await mkdir(draft, { recursive: true })
  try {
    const tar = join(draft, 'root.tar')
    const packages = (await readFile(join(recipe, 'packages'), 'utf8')).trim().split('\n')
    const options = [
      ['--quiet', '--variant=minbase', `--mode=${root ? 'root' : 'unshare'}`],
      [`--include=${packages.join(',')}`, '--aptopt=APT::Install-Recommends "false"'],
      [`--dpkgopt=${dpkgOptions}`, `--customize-hook=copy-in ${join(recipe, 'customize')} /tmp`],
      ['--customize-hook=chroot "$1" sh /tmp/customize', '--customize-hook=rm "$1/tmp/customize"'],
    ]
    await execa('mmdebstrap', [...options.flat(), suite, tar])
    const makeDisk = ['sh', join(recipe, 'make-disk'), tar, draft]
    const [command = '', ...args] = root ? makeDisk : ['fakeroot', ...makeDisk]
    await execa(command, args)
    await rm(tar)
    // Somebody else may have made the same meanwhile.
    if (!existsSync(folder)) await rename(draft, folder)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}
