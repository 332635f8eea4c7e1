import { realpath } from 'node:fs/promises'
import { Readable } from 'node:stream'
import type { Pack } from 'tar-stream'
import { pack } from 'tar-stream'
import { ConfigError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import { addEntry } from './add-entry.ts'
import { inBlocks } from './in-blocks.ts'
import type { FileList } from './list-files.ts'
import { listFiles } from './list-files.ts'
import type { SourceEntry } from './read-entries.ts'
import { readEntries, unreadable } from './read-entries.ts'

export type DirectoryTar = {
  /** Fails with the errors named below. */
  readonly stream: Readable
  /** Files, links and directories listed, before any is read. */
  readonly files: number
  /** Bytes of file content, when the stream has ended; rejects when it failed. */
  readonly bytes: Promise<number>
  /** What was left out and why; complete when the stream has ended. */
  readonly notes: readonly string[]
}

/**
 * A directory as it is, as a tar stream in the order of its paths: modes, times and symbolic links kept, what
 * `.gitignore` excludes left out, `.git` included. Memory does not grow with the tree's size but for its list of names.
 * @param limits.bytes of file content
 * @throws ConfigError for a directory or a file that cannot be read, and beyond the limit;
 *   InfraError `upload` for a file that changes its size meanwhile; the signal's reason.
 */
export async function directoryTar(options: {
  directory: string
  limits: { bytes: number }
  signal: AbortSignal
  /** Chooses among the files that belong to the directory. @defaultValue all */
  choose?: (list: FileList) => FileList
}): Promise<DirectoryTar> {
  const { limits, signal, choose = (list) => list } = options
  const { directory, ...all } = await list(options.directory, signal)
  const { paths, notes } = choose(all)
  const archive = pack()
  let total = 0
  const fill = async (): Promise<number> => {
    for await (const entry of readEntries({ directory, paths, onNote: (note) => notes.push(note) })) {
      signal.throwIfAborted()
      total += sizeOf(entry)
      if (total > limits.bytes) throw tooLarge(limits.bytes, entry.path)
      await addEntry(archive, directory, entry)
    }
    archive.finalize()
    return total
  }
  const bytes = fill().catch((error: unknown) => {
    signal.throwIfAborted()
    throw error
  })
  bytes.catch(() => archive.destroy())
  const stream = Readable.from(contents(archive, bytes), { objectMode: false, highWaterMark: 1024 * 1024 })
  const onAbort = () => archive.destroy()
  signal.addEventListener('abort', onAbort)
  stream.once('close', () => {
    signal.removeEventListener('abort', onAbort)
    archive.destroy()
  })
  return { stream, files: paths.length, bytes, notes }
}

/** An archive that was given up says only that it was; the reason is with what filled it. */
async function* contents(archive: Pack, filled: Promise<unknown>): AsyncGenerator<Buffer> {
  try {
    yield* inBlocks(archive)
  } catch (error) {
    await filled
    throw error
  }
}

async function list(directory: string, signal: AbortSignal) {
  signal.throwIfAborted()
  try {
    const real = await realpath(directory)
    return { directory: real, ...(await listFiles(real, signal)) }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw unreadable(directory, error)
  }
}

function sizeOf(entry: SourceEntry): number {
  if (entry.kind === 'small-file') return entry.content.length
  return entry.kind === 'large-file' ? entry.size : 0
}

/** For a directory of more than `limit` bytes; `path` is the file that goes beyond. */
export function tooLarge(limit: number, path: string): ConfigError {
  return new ConfigError(
    `expected at most ${formatSize(limit)} to upload, got more: ${JSON.stringify(path)} goes beyond it`,
    {
      hint: 'add what the job does not need to .gitignore, or raise the limit in the host file: limits.upload_bytes',
    },
  )
}
