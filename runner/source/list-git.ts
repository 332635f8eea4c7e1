import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'

type Options = { directory: string; signal: AbortSignal; notes: string[] }

/**
 * What git tracks or would track below a directory, its submodules and nested repositories as well.
 * Undefined, with a note, where git is absent or will not look at the directory.
 */
export async function listGit({ directory, signal, notes }: Options): Promise<string[] | undefined> {
  const result = await execa(
    'git',
    ['-c', 'core.fsmonitor=false', 'ls-files', '-co', '--exclude-standard', '-z'],
    {
      cwd: directory,
      env: withoutGitVariables(),
      extendEnv: false,
      stripFinalNewline: false,
      reject: false,
      cancelSignal: signal,
      maxBuffer: 1024 ** 3,
    },
  )
  signal.throwIfAborted()
  if (result.failed) {
    const reason = result.stderr?.trim().split('\n')[0] || result.shortMessage
    notes.push(`git gave no list of files, so .gitignore files alone decide: ${reason}`)
    return undefined
  }
  const paths = result.stdout.split('\0').filter((path) => path !== '')
  const all = await Promise.all(paths.map((path) => expand({ directory, path, signal, notes })))
  return all.flat()
}

/** A submodule or a nested repository is one entry, a directory, in its parent's list. */
async function expand(entry: Options & { path: string }): Promise<string[]> {
  const path = entry.path.replace(/\/$/, '')
  const isDirectory = await lstat(join(entry.directory, path)).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
  if (!isDirectory) return [path]
  const directory = join(entry.directory, path)
  const isRepository = await lstat(join(directory, '.git')).then(
    () => true,
    () => false,
  )
  if (!isRepository) return [path]
  const inner = (await listGit({ directory, signal: entry.signal, notes: entry.notes })) ?? []
  return [path, ...inner.map((below) => `${path}/${below}`)]
}

/** Run from a git hook, GIT_DIR and the like would speak of another repository. */
function withoutGitVariables(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')))
}
