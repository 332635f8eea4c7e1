import type { Stats } from 'node:fs'
import { lstat, open, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, InfraError } from '../../config/errors.ts'

export type SourceEntry = { readonly path: string; readonly mode: number; readonly mtime: Date } & (
  | { readonly kind: 'directory' }
  | { readonly kind: 'link'; readonly target: string }
  | { readonly kind: 'small-file'; readonly content: Buffer }
  | { readonly kind: 'large-file'; readonly size: number }
)

/** Files up to this size are read ahead, whole; larger ones when their turn comes, in pieces. bytes */
const smallFile = 256 * 1024
/** One file at a time leaves the disk waiting; this many small ones fit in 8 MiB. */
const ahead = 32

/** Reads the entries of a list in its order, the next ones while the present one is being taken. */
export async function* readEntries(options: {
  directory: string
  paths: readonly string[]
  onNote: (note: string) => void
}): AsyncGenerator<SourceEntry> {
  const { directory, paths, onNote } = options
  const coming: Promise<SourceEntry | string | undefined>[] = []
  let next = 0
  const fill = (): void => {
    while (coming.length < ahead && next < paths.length) {
      const reading = readEntry(directory, paths[next++] as string)
      reading.catch(() => undefined)
      coming.push(reading)
    }
  }
  for (fill(); coming.length > 0; fill()) {
    const entry = await coming.shift()
    if (typeof entry === 'string') onNote(entry)
    else if (entry !== undefined) yield entry
  }
}

/** A sentence instead for what is left out; undefined for what has gone since it was listed. */
async function readEntry(directory: string, path: string): Promise<SourceEntry | string | undefined> {
  const file = join(directory, path)
  try {
    const stats = await lstat(file)
    const common = { path, mode: stats.mode & 0o7777, mtime: stats.mtime }
    if (stats.isDirectory()) return { ...common, kind: 'directory' }
    if (stats.isSymbolicLink()) return { ...common, kind: 'link', target: await readlink(file) }
    if (!stats.isFile()) return `${JSON.stringify(path)} is not uploaded: ${describe(stats)}`
    if (stats.size > smallFile) return { ...common, kind: 'large-file', size: stats.size }
    return { ...common, kind: 'small-file', content: await readWhole(file, path, stats.size) }
  } catch (error) {
    if (isCode(error, 'ENOENT')) {
      return path.includes('\ufffd')
        ? `${JSON.stringify(path)} is not uploaded: its name is not UTF-8`
        : undefined
    }
    if (error instanceof InfraError) throw error
    throw unreadable(path, error)
  }
}

async function readWhole(file: string, path: string, size: number): Promise<Buffer> {
  await using handle = await open(file)
  const content = Buffer.allocUnsafe(size + 1)
  let length = 0
  while (length <= size) {
    const { bytesRead } = await handle.read(content, length, size + 1 - length, length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  if (length !== size) throw changedSize(path, size)
  return content.subarray(0, size)
}

/** Half of a file that somebody is writing is worse than none. */
export function changedSize(path: string, size: number): InfraError {
  return new InfraError(
    'upload',
    `expected ${JSON.stringify(path)} to stay at ${size} bytes, got another size while reading`,
    {
      hint: 'stop what is writing it, or add it to .gitignore',
    },
  )
}

export function unreadable(path: string, cause: unknown): ConfigError {
  return new ConfigError(
    `expected to read ${JSON.stringify(path)}, got ${cause instanceof Error ? cause.message : cause}`,
    {
      hint: 'mend its permissions, or add it to .gitignore',
      cause,
    },
  )
}

function describe(stats: Stats): string {
  if (stats.isSocket()) return 'it is a socket'
  return stats.isFIFO() ? 'it is a named pipe' : 'it is a device'
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
