import { cp, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { execa } from 'execa'
import { packageRoot } from '../../../images/package-root.ts'
import { shippedPackages } from '../../../scripts/shipped-packages.ts'

const ownFiles = [
  ...['package.json', 'dist', 'config/systemd', 'config/examples', 'docs/install.md'],
  ...['images/debian-12-local', 'runner/template/thaw.py', 'orchestrator/pages/assets'],
]

/** Packs Mayfly as it is built here, with the packages that it runs with, into a `.tar.zst`. */
export async function packBuild(archive: string): Promise<void> {
  const packages = shippedPackages().flatMap(({ path, isInstalled }) => (isInstalled ? [path] : []))
  const list = `${archive}.list`
  // Packages inside of packages come with those.
  const outer = packages.filter((path) => path.lastIndexOf('node_modules/') === 0)
  await writeFile(list, [...ownFiles, ...outer].join('\n'))
  await execa('tar', ['--zstd', '--owner=0', '--group=0', '-cf', archive, '-T', list], { cwd: packageRoot() })
  await rm(list)
}

/** Packs programs of this host with all that they need to run elsewhere: `bin/`, `lib/` and their loader as `ld.so`. */
export async function packPrograms(names: readonly string[], archive: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-programs-'))
  try {
    for (const name of ['bin', 'lib']) await mkdir(join(folder, name))
    for (const name of names) {
      const program = name === 'node' ? process.execPath : (await execa('which', [name])).stdout
      await cp(await realpath(program), join(folder, 'bin', name))
      const { stdout } = await execa('ldd', [program])
      for (const [library] of stdout.matchAll(/(?<= => )\/\S+/g))
        await cp(await realpath(library), join(folder, 'lib', basename(library)))
      const loader = /^\s*(\/\S*ld-linux\S*)/m.exec(stdout)?.[1]
      if (loader === undefined) throw new Error(`expected a loader of ${program}, got: ${stdout}`)
      await cp(await realpath(loader), join(folder, 'ld.so'))
    }
    await execa('tar', ['--zstd', '--owner=0', '--group=0', '-cf', archive, '-C', folder, '.'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
