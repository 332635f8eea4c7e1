import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { onTestFinished } from 'vitest'
import { z } from 'zod'
import { packageRoot } from '../../../images/package-root.ts'

const manifest = z.object({ dependencies: z.record(z.string(), z.string()) })

/** What a server needs of the sources. */
const parts = ['config', 'images', 'orchestrator', 'runner', 'scripts', 'package.json', 'tsconfig.json']

/**
 * The sources of the version before this one, in a folder that goes with the test: of the newest tag before this commit, or of the
 * commit before where there is no tag. Where the checkout has no history, which is not fetched, they are a copy of this
 * version's own, and that is said. They run on the packages that are installed here.
 * @throws Error where they need a package that is gone
 */
export async function previousCommit(): Promise<{ folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-previous-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const sources = join(folder, 'sources')
  await mkdir(sources)
  const commit = await findCommit()
  if (commit === undefined) {
    process.stderr.write('no commit before this one is here: upgraded from this version to itself\n')
    await execa('cp', ['-a', ...parts.map((part) => join(packageRoot(), part)), sources])
  } else {
    const tar = join(folder, 'sources.tar')
    await git('archive', '--format=tar', `--output=${tar}`, commit)
    await execa('tar', ['-xf', tar, '-C', sources])
    await expectPackages(sources, commit)
  }
  await symlink(join(packageRoot(), 'node_modules'), join(sources, 'node_modules'))
  return { folder: sources }
}

async function findCommit(): Promise<string | undefined> {
  const parent = await git('rev-parse', '--verify', '--quiet', 'HEAD~1')
  return parent && ((await git('describe', '--tags', '--abbrev=0', parent)) ?? parent)
}

async function git(...args: readonly string[]): Promise<string | undefined> {
  const { stdout, failed } = await execa('git', args, { cwd: packageRoot(), reject: false })
  return failed ? undefined : stdout.trim()
}

/** Another version of a package is as good as the one that it had, for what is looked at here. */
async function expectPackages(sources: string, commit: string): Promise<void> {
  const here = await dependencies(packageRoot())
  const absent = Object.keys(await dependencies(sources)).filter((name) => here[name] === undefined)
  if (absent.length === 0) return
  throw new Error(
    `expected ${commit} to run on the packages of this commit, which has no ${absent.join(', ')}`,
  )
}

async function dependencies(folder: string): Promise<Readonly<Record<string, string>>> {
  return manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))).dependencies
}
