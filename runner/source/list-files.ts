import { access, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { listAll } from './list-all.ts'
import { listGit } from './list-git.ts'
import { listIgnoring } from './list-ignoring.ts'

export type FileList = {
  /** Relative to the directory, directories among them, each before what is in it. */
  readonly paths: string[]
  /** What a person should know about what is not in it. */
  readonly notes: string[]
}

/**
 * What of a directory belongs to it: in a git work tree what git tracks or would track, elsewhere what no
 * `.gitignore` excludes, and the whole `.git` folder.
 */
export async function listFiles(directory: string, signal: AbortSignal): Promise<FileList> {
  const { top, paths, notes } = await listWork(directory, signal)
  if (top !== undefined && top !== directory) {
    notes.push(`.git is not uploaded: it is in ${top}, above the directory`)
  }
  const found = new Set(paths)
  for (const path of await gitFolders({ directory, paths: found, notes })) found.add(path)
  return { paths: [...found].sort(), notes }
}

/** The same without any `.git`; `top` is the git work tree that the directory is in, undefined where it is in none. */
export async function listWork(
  directory: string,
  signal: AbortSignal,
): Promise<FileList & { top: string | undefined }> {
  const notes: string[] = []
  const top = await findWorkTree(directory)
  const git = top === undefined ? undefined : await listGit({ directory, signal, notes })
  const listed = git ?? (await listIgnoring(directory))
  return { top, paths: [...new Set(listed.flatMap(withParents))].sort(), notes }
}

async function findWorkTree(directory: string): Promise<string | undefined> {
  for (let at = directory; ; at = dirname(at)) {
    const found = await access(join(at, '.git')).then(
      () => true,
      () => false,
    )
    if (found) return at
    if (at === dirname(at)) return undefined
  }
}

/** `a/b/c` comes with `a` and `a/b`, whose modes matter too. */
function withParents(path: string): string[] {
  const parts = path.split('/')
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'))
}

/** The `.git` of the directory itself and of the repositories in it, where they can be of use elsewhere. */
async function gitFolders(options: {
  directory: string
  paths: ReadonlySet<string>
  notes: string[]
}): Promise<string[]> {
  const { directory, paths, notes } = options
  const found: string[] = []
  for (const path of ['', ...paths]) {
    const git = path === '' ? '.git' : `${path}/.git`
    if (paths.has(git)) continue
    const kind = await gitKind(directory, git)
    if (kind === 'folder') found.push(git, ...(await listAll(directory, git)))
    if (kind === 'file') found.push(git)
    if (kind === 'elsewhere') {
      notes.push(
        `${git} is not uploaded: it names a folder outside the directory; use a clone, not a worktree`,
      )
    }
  }
  return found
}

/** A `.git` file stands for a folder elsewhere (gitrepository-layout(5)): of use only if that is uploaded too. */
async function gitKind(directory: string, git: string): Promise<'folder' | 'file' | 'elsewhere' | undefined> {
  const path = join(directory, git)
  try {
    const target = /^gitdir: (.*)$/m.exec(await readFile(path, 'utf8'))?.[1] ?? ''
    const inside = relative(directory, resolve(dirname(path), target))
    return target !== '' && inside.startsWith('.git/') && !target.startsWith('/') ? 'file' : 'elsewhere'
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EISDIR' ? 'folder' : undefined
  }
}
