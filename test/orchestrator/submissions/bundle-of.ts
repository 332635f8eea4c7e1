import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** One entry of a tree, whatever git would say to its name. */
export type Entry = { mode: string; name: string; content?: string; id?: string; tree?: readonly Entry[] }

export type Maker = {
  readonly folder: string
  git(args: readonly string[], input?: string | Buffer): string
  blob(content: string | Buffer): string
  /** A commit without parents of a tree that is written as it stands, unchecked. */
  commit(entries: readonly Entry[]): string
  /** A bundle of what a name stands for. */
  bundle(ref: string, ...more: string[]): Promise<Buffer>
}

/** Makes bundles that nobody should take, with a real git. */
export async function bundleMaker(): Promise<Maker> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-hostile-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const git: Maker['git'] = (args, input = '') =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=b', ...args], {
      cwd: folder,
      input,
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' },
      stdio: ['pipe', 'pipe', 'ignore'],
    }).trim()
  git(['init', '--quiet', '--bare', '.'])
  const blob = (content: string | Buffer) => git(['hash-object', '-w', '--stdin'], content)
  const tree = (entries: readonly Entry[]): string => {
    const raw = entries.map((entry) => {
      const id = entry.id ?? (entry.tree === undefined ? blob(entry.content ?? 'x') : tree(entry.tree))
      return Buffer.concat([Buffer.from(`${entry.mode} ${entry.name}\0`), Buffer.from(id, 'hex')])
    })
    return git(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], Buffer.concat(raw))
  }
  return {
    folder,
    git,
    blob,
    commit: (entries) => {
      const text = `tree ${tree(entries)}\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\nsubmitted\n`
      const sha = git(['hash-object', '-t', 'commit', '-w', '--stdin'], text)
      git(['update-ref', 'refs/heads/main', sha])
      return sha
    },
    bundle: async (ref, ...more) => {
      const file = join(folder, 'made.bundle')
      git(['bundle', 'create', '--quiet', file, ref, ...more])
      return await readFile(file)
    },
  }
}
