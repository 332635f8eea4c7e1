import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { tooLarge } from '../../runner/source/directory-tar.ts'
import { changedSize, readEntries, type SourceEntry, unreadable } from '../../runner/source/read-entries.ts'

/** A commit without parents, of files as they lie in a folder. */
export type Orphan = {
  /** Absolute. */
  readonly directory: string
  /** Files and links of it, relative; folders among them are passed over, for git knows none. */
  readonly paths: readonly string[]
  /** One more file, wherever it lies, under a name of its own. */
  readonly extra: { readonly path: string; readonly content: string } | undefined
  /** Full name of its branch. */
  readonly ref: string
  readonly title: string
  readonly author: string
  readonly at: Date
  /** Bytes of all files together at most. */
  readonly bytes: number
  readonly onNote: (note: string) => void
}

/**
 * The commit as git-fast-import(1) reads it, made while it is read.
 * @throws ConfigError beyond the bytes and for a file that cannot be read, InfraError `upload` for one that changes
 */
export function fastImport(orphan: Orphan): Readable {
  return Readable.from(commands(orphan), { objectMode: false, highWaterMark: 1024 * 1024 })
}

async function* commands(orphan: Orphan): AsyncGenerator<Buffer> {
  const { directory, paths, extra, ref, title, author, at, bytes, onNote } = orphan
  const who = `${author.replaceAll(/[<>\p{Cc}]/gu, '')} <> ${Math.floor(at.getTime() / 1000)} +0000`
  yield text(`commit ${ref}\nauthor ${who}\ncommitter ${who}\n`)
  yield data(Buffer.from(title))
  let total = 0
  const count = (size: number, path: string): void => {
    total += size
    if (total > bytes) throw tooLarge(bytes, path)
  }
  for await (const entry of readEntries({ directory, paths, onNote })) {
    if (entry.kind === 'directory') continue
    if (entry.kind !== 'link') count(sizeOf(entry), entry.path)
    yield text(`M ${modeOf(entry)} inline ${quoted(entry.path)}\n`)
    if (entry.kind === 'large-file') yield* large(join(directory, entry.path), entry)
    else yield data(entry.kind === 'link' ? Buffer.from(entry.target) : entry.content)
  }
  if (extra === undefined) return
  count(Buffer.byteLength(extra.content), extra.path)
  yield text(`M 100644 inline ${quoted(extra.path)}\n`)
  yield data(Buffer.from(extra.content))
}

/** Read to one byte beyond its size, so that growth is seen as well as shrinking. */
async function* large(file: string, { path, size }: Extract<SourceEntry, { kind: 'large-file' }>) {
  yield text(`data ${size}\n`)
  let left = size
  try {
    for await (const chunk of createReadStream(file, { end: size, highWaterMark: 256 * 1024 })) {
      left -= (chunk as Buffer).length
      if (left < 0) break
      yield chunk as Buffer
    }
  } catch (error) {
    throw unreadable(path, error)
  }
  if (left !== 0) throw changedSize(path, size)
  yield text('\n')
}

function sizeOf(entry: Extract<SourceEntry, { kind: 'small-file' | 'large-file' }>): number {
  return entry.kind === 'small-file' ? entry.content.length : entry.size
}

/** Of modes git keeps only whether the owner may execute a file. */
function modeOf({ kind, mode }: SourceEntry): string {
  if (kind === 'link') return '120000'
  return (mode & 0o100) === 0 ? '100644' : '100755'
}

function data(content: Buffer): Buffer {
  return Buffer.concat([text(`data ${content.length}\n`), content, text('\n')])
}

/** In C's way, which a path with a blank or a line break in it needs. */
function quoted(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

function text(written: string): Buffer {
  return Buffer.from(written)
}
