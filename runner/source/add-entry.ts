import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { Header, Pack } from 'tar-stream'
import { InfraError } from '../../config/errors.ts'
import type { SourceEntry } from './read-entries.ts'
import { changedSize, unreadable } from './read-entries.ts'

type EntryHeader = Pick<Header, 'name' | 'mode' | 'mtime'>

/** Resolves when the archive has taken the entry, which is when its reader has. */
export function addEntry(archive: Pack, directory: string, entry: SourceEntry): Promise<void> {
  const header = { name: entry.path, mode: entry.mode, mtime: entry.mtime }
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve())
    if (entry.kind === 'small-file') archive.entry({ ...header, type: 'file' }, entry.content, done)
    else if (entry.kind === 'directory') archive.entry({ ...header, type: 'directory' }, done)
    else if (entry.kind === 'link')
      archive.entry({ ...header, type: 'symlink', linkname: entry.target }, done)
    else
      addLarge({ archive, header, file: join(directory, entry.path), size: entry.size }).then(resolve, reject)
  })
}

/** Read to one byte beyond its size, so that growth is seen as well as shrinking. */
async function addLarge(options: {
  archive: Pack
  header: EntryHeader
  file: string
  size: number
}): Promise<void> {
  const { archive, header, file, size } = options
  const path = header.name
  let left = size
  let finished: (error?: Error | null) => void = () => undefined
  const taken = new Promise<void>((resolve, reject) => {
    finished = (error) => (error ? reject(error) : resolve())
  })
  taken.catch(() => undefined)
  const sink = archive.entry({ ...header, type: 'file', size }, (error) => finished(error))
  sink.on('error', () => undefined)
  try {
    for await (const chunk of createReadStream(file, { end: size, highWaterMark: 256 * 1024 })) {
      left -= (chunk as Buffer).length
      if (left < 0) throw changedSize(path, size)
      if (sink.destroyed) break
      if (!sink.write(chunk)) await new Promise<void>((resolve) => onceEither(sink, resolve))
    }
  } catch (error) {
    throw error instanceof InfraError ? error : unreadable(path, error)
  }
  if (sink.destroyed) return await taken
  if (left > 0) throw changedSize(path, size)
  sink.end(null)
  await taken
}

function onceEither(sink: NodeJS.EventEmitter, go: () => void): void {
  const settle = () => {
    sink.off('drain', settle)
    sink.off('close', settle)
    go()
  }
  sink.on('drain', settle)
  sink.on('close', settle)
}
