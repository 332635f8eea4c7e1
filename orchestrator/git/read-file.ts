import { ConfigError, InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import { gitFailure } from './git-failure.ts'
import type { InCommit } from './in-commit.ts'
import { runGit } from './run-git.ts'

/** A file's text at a commit of a mirror. The path is taken literally, and no link is followed. */
export async function readFileAt({ parts, folder, sha, doing, signal }: InCommit, path: string) {
  checkPath(path)
  const call = { folder, doing, signal, ms: parts.limits.ms }
  const listed = await runGit({
    ...call,
    args: ['ls-tree', '-z', '-l', '--full-tree', '--end-of-options', `${sha}^{commit}`, '--', path],
  })
  if (!listed.ok) throw gitFailure({ doing, stderr: listed.stderr, secrets: [] })
  const entry = /^(\d+) (\w+) ([0-9a-f]+) +(\d+|-)\t/.exec(listed.stdout.toString('utf8'))
  if (entry === null) return undefined
  const [, mode = '', type = '', id = '', size = ''] = entry
  if (type !== 'blob' || mode === '120000') throw noFile(path, sha, mode)
  if (Number(size) > parts.limits.fileBytes) {
    throw new ConfigError(
      `expected ${path} to have at most ${formatSize(parts.limits.fileBytes)}, got ${formatSize(Number(size))}`,
    )
  }
  const read = await runGit({ ...call, args: ['cat-file', 'blob', id], outputBytes: Number(size) })
  if (!read.ok)
    throw new InfraError('upload', `${doing}: expected ${path} in the mirror, got ${read.stderr.trim()}`)
  return asText(path, read.stdout)
}

function checkPath(path: string): void {
  if (path === '' || path.startsWith('/') || path.includes('\0') || path.split('/').includes('..')) {
    throw new ConfigError(`expected a path in the repository, got ${JSON.stringify(path.slice(0, 100))}`)
  }
}

function noFile(path: string, sha: string, mode: string): ConfigError {
  const kinds: Record<string, string> = { '120000': 'a symbolic link', '160000': 'a submodule' }
  const found = kinds[mode] ?? 'a folder'
  return new ConfigError(`expected a file at ${path} in ${sha.slice(0, 12)}, got ${found}`)
}

function asText(path: string, content: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    throw new ConfigError(`expected UTF-8 text in ${path}, got other bytes`)
  }
}
