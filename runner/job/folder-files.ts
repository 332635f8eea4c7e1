import { constants } from 'node:fs'
import { type FileHandle, lstat, open, readdir, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import type { AttemptFiles, ByteSpan, StoredFile, StreamOptions } from './attempt-files.ts'

/** The files of an attempt in its folder on this host, also while they grow. */
export function folderFiles(folder: string): AttemptFiles {
  return {
    size: async (name) => (await stat(join(folder, name)).catch(() => undefined))?.size,
    isThere: async (name) => (await stat(join(folder, name)).catch(() => undefined)) !== undefined,
    read: async (name, { start, end }) => {
      await using file = await openFile(join(folder, name))
      const wanted = Math.max(0, (end ?? (await file.stat()).size) - start)
      const bytes = Buffer.allocUnsafe(wanted)
      let length = 0
      while (length < wanted) {
        const { bytesRead } = await file.read(bytes, length, wanted - length, start + length)
        if (bytesRead === 0) break
        length += bytesRead
      }
      return bytes.subarray(0, length)
    },
    stream: (name, span) => Readable.from(chunks(join(folder, name), span), { objectMode: false }),
    list: (name) => listFiles(join(folder, name)),
    isComplete: async () => true,
  }
}

// A job names its artifacts: what looks like a file may have become a link to another since it was listed.
function openFile(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW)
}

async function* chunks(path: string, span: ByteSpan & StreamOptions): AsyncGenerator<Buffer> {
  const { start, end, signal, blockBytes } = span
  const file = await openFile(path)
  if (end !== undefined && end <= start) return await file.close()
  const stream = file.createReadStream({
    start,
    ...(end === undefined ? {} : { end: end - 1 }),
    ...(blockBytes === undefined ? {} : { highWaterMark: blockBytes }),
    signal,
  })
  yield* stream
}

async function listFiles(folder: string): Promise<StoredFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile())
  const listed = await Promise.all(
    files.map(async (entry) => {
      const file = join(entry.parentPath, entry.name)
      return { path: relative(folder, file).split(sep).join('/'), bytes: (await lstat(file)).size }
    }),
  )
  return listed.sort((a, b) => (a.path < b.path ? -1 : 1))
}
