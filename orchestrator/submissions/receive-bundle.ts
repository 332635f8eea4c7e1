import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { ConfigError, InfraError } from '../../config/errors.ts'
import { formatSize } from '../../config/size.ts'

/**
 * Writes what arrives into a file, counted on its way: nobody's word on its length is believed.
 * @throws ConfigError beyond `bytes`, InfraError where the disk is full or the sender broke off
 */
export async function receiveBundle(order: {
  from: AsyncIterable<Uint8Array>
  file: string
  bytes: number
  signal: AbortSignal
}): Promise<void> {
  const { from, file, bytes, signal } = order
  let size = 0
  try {
    await pipeline(
      from,
      async function* (chunks) {
        for await (const chunk of chunks) {
          size += chunk.length
          if (size > bytes) throw bundleTooLarge(bytes)
          yield chunk
        }
      },
      createWriteStream(file, { flags: 'wx', mode: 0o600 }),
      { signal },
    )
  } catch (error) {
    if (error instanceof ConfigError) throw error
    signal.throwIfAborted()
    throw broken(error, size)
  }
}

export function bundleTooLarge(bytes: number): ConfigError {
  return new ConfigError(`expected at most ${formatSize(bytes)} in a submission, got more`, {
    hint: 'Add what the job does not need to .gitignore, or raise limits.upload_bytes in the host file of the server.',
  })
}

/** Undefined where the disk is not why something could not be written. */
export function diskFull(cause: unknown): InfraError | undefined {
  const isFull = cause instanceof Error && 'code' in cause && cause.code === 'ENOSPC'
  if (!isFull) return undefined
  return new InfraError('host-disk-full', 'expected room for a submission, found the disk full', { cause })
}

function broken(cause: unknown, size: number): InfraError {
  const full = diskFull(cause)
  if (full !== undefined) return full
  const found = cause instanceof Error ? cause.message : String(cause)
  return new InfraError('upload', `expected a whole submission, got its first ${size} bytes: ${found}`, {
    cause,
  })
}
