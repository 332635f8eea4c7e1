import { constants } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { lstat, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'
import type { RemoteFiles } from '../machine/machine.ts'
import type { Artifact, ArtifactProblem } from './artifact.ts'

export type FetchOptions = {
  readonly files: RemoteFiles
  /** Path in the guest to read. */
  readonly source: string
  /** Path below `destination` to write; every segment has been checked. */
  readonly path: string
  readonly mode: number
  readonly destination: string
  readonly limits: { readonly bytes: number }
  /** What is left of `limits.bytes`. */
  readonly bytesLeft: number
  readonly signal: AbortSignal
}

/**
 * Copies one file from the guest. Bytes are counted as they come, for a file's size is what its guest likes it to
 * be. A file that cannot be read or written is a problem; a limit, a full disk or a lost machine is an error.
 * Either way nothing half is left.
 */
export async function fetchArtifact(options: FetchOptions): Promise<Artifact | ArtifactProblem> {
  const { path, destination, signal } = options
  const target = join(destination, path)
  const mode = (options.mode & 0o111) === 0 ? 0o644 : 0o755
  let made = false
  try {
    await makeFolders(destination, path)
    await using file = await create(target)
    made = true
    const bytes = await receive(file, options)
    await file.chmod(mode)
    return { path, bytes, mode }
  } catch (error) {
    if (made) await unlink(target)
    if (signal.aborted) throw signal.reason
    if (error instanceof InfraError) throw error
    if (isCode(error, 'ENOSPC') || isCode(error, 'EDQUOT')) throw diskFull(target, error)
    return { kind: 'unreadable', path, reason: error instanceof Error ? error.message : String(error) }
  }
}

/** Level by level, so that a link lying in the destination is not entered. */
async function makeFolders(destination: string, path: string): Promise<void> {
  let folder = destination
  for (const segment of path.split('/').slice(0, -1)) {
    folder = join(folder, segment)
    try {
      await mkdir(folder)
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error
      if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is in the way and no directory`)
    }
  }
}

/** O_EXCL and O_NOFOLLOW: whatever lies there already is neither overwritten nor followed. */
function create(target: string): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  return open(target, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
}

async function receive(file: FileHandle, options: FetchOptions): Promise<number> {
  const { files, source, path, limits, bytesLeft, signal } = options
  const stream = files.read(source, signal)
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    bytes += chunk.length
    if (bytes > bytesLeft) throw tooLarge(limits.bytes, path)
    await file.writeFile(chunk)
  }
  return bytes
}

function tooLarge(limit: number, path: string): InfraError {
  return new InfraError(
    'collect',
    `expected at most ${formatSize(limit)} of artifacts, got more: ${JSON.stringify(path)} goes beyond it`,
    {
      hint: 'keep less, compress it in the last step, or raise the limit in the host file: limits.artifact_bytes',
    },
  )
}

function diskFull(target: string, cause: unknown): InfraError {
  return new InfraError('host-disk-full', `expected room for ${target}, got a full disk`, {
    hint: 'free space on the disk of the data folder',
    cause,
  })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
