import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { execa, type ResultPromise } from 'execa'
import { InfraError } from '../config/errors.ts'
import type { BuildOptions, BuiltImage, ImageBuilder } from './builder.ts'
import { listDpkgPackages } from './list-dpkg-packages.ts'
import { packageRoot } from './package-root.ts'

const suite = 'bookworm'
const diskSize = '10G'
const append = 'root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1'

/**
 * Makes `debian-12-local` of Debian's packages with mmdebstrap, from the recipe in images/debian-12-local/.
 * Needs no root: mmdebstrap then works in a user namespace, and fakeroot keeps the owners right on the disk.
 */
export function debianLocalBuilder(recipe = join(packageRoot(), 'images', 'debian-12-local')): ImageBuilder {
  return {
    inputs: () => hashRecipe(recipe),
    build: (options) => build(recipe, options),
  }
}

async function hashRecipe(recipe: string): Promise<string> {
  const hash = createHash('sha256').update(`${suite} ${diskSize} ${append}\n`)
  const entries = await readdir(recipe, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  for (const file of files.sort()) {
    hash
      .update(`${relative(recipe, file)}\0`)
      .update(await readFile(file))
      .update('\0')
  }
  return hash.digest('hex')
}

async function build(recipe: string, { workFolder, signal, onProgress }: BuildOptions): Promise<BuiltImage> {
  const root = process.getuid?.() === 0
  const tar = join(workFolder, 'root.tar')
  const stages = join(workFolder, 'stages')
  await mkdir(stages)
  onProgress({ phase: 'build', line: 'installing packages' })
  await run(
    execa('mmdebstrap', await mmdebstrapArgs({ recipe, tar, root }), { cancelSignal: signal }),
    signal,
    onProgress,
  )
  const packages = await writePackageList({ tar, workFolder, signal })
  onProgress({ phase: 'build', line: 'writing the disk' })
  const makeDisk = [join(recipe, 'make-disk'), tar, stages, diskSize]
  const [command, ...args] = root ? makeDisk : ['fakeroot', ...makeDisk]
  await run(execa(command ?? '', args, { cancelSignal: signal }), signal, onProgress)
  return {
    disk: join(stages, 'disk.qcow2'),
    kernel: join(stages, 'kernel'),
    initrd: join(stages, 'initrd'),
    packages,
    append,
  }
}

type Mmdebstrap = { recipe: string; tar: string; root: boolean }

async function mmdebstrapArgs({ recipe, tar, root }: Mmdebstrap): Promise<string[]> {
  const packages = (await readFile(join(recipe, 'packages'), 'utf8')).trim().split(/\s+/)
  const customize = [
    'mkdir -p "$1/usr/share/mayfly"',
    `copy-in ${join(recipe, 'files', 'etc')} /`,
    `copy-in ${join(recipe, 'initramfs-init')} ${join(recipe, 'customize')} /usr/share/mayfly`,
    'chroot "$1" sh /usr/share/mayfly/customize',
  ]
  return [
    ['--mode', root ? 'root' : 'unshare'],
    ['--variant', 'minbase'],
    ['--include', packages.join(',')],
    ['--aptopt', join(recipe, 'apt.conf')],
    ['--dpkgopt', join(recipe, 'dpkg.cfg')],
    customize.map((hook) => `--customize-hook=${hook}`),
    [suite, tar],
  ].flat()
}

type PackageList = { tar: string; workFolder: string; signal: AbortSignal }

async function writePackageList({ tar, workFolder, signal }: PackageList): Promise<string> {
  const file = join(workFolder, 'packages')
  const reading = execa('tar', ['-xOf', tar, './var/lib/dpkg/status'], { cancelSignal: signal })
  await run(reading, signal, () => undefined)
  const packages = listDpkgPackages((await reading).stdout)
  await writeFile(file, packages.map((line) => `${line}\n`).join(''))
  return file
}

/** Waits for a tool, handing its progress lines on; its failure is the image's, or the host's when the disk is full. */
async function run(
  child: ResultPromise,
  signal: AbortSignal,
  onProgress: BuildOptions['onProgress'],
): Promise<void> {
  let tail = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = (tail + chunk.toString('utf8')).slice(-4000)
    const line = tail.split('\n').findLast((text) => text.startsWith('I: '))
    if (line !== undefined) onProgress({ phase: 'build', line: line.slice(3) })
  })
  try {
    await child
  } catch (error) {
    signal.throwIfAborted()
    throw buildFault(error, tail)
  }
}

function buildFault(error: unknown, tail: string): InfraError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') {
    const hint = 'apt-get install mmdebstrap fakeroot uidmap e2fsprogs qemu-utils'
    return new InfraError('image', 'a tool that builds images is missing on this host', {
      hint,
      cause: error,
    })
  }
  const full = tail.includes('No space left on device')
  const last = tail.trim().split('\n').slice(-3).join(' / ')
  return new InfraError(full ? 'host-disk-full' : 'image', `debian-12-local could not be built: ${last}`, {
    hint: full
      ? 'free at least 3 GiB in the data folder'
      : 'the build needs a Debian mirror over the network',
    cause: error,
  })
}
