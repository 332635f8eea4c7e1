import type { Readable } from 'node:stream'
import ssh2, { type Client, type SFTPWrapper } from 'ssh2'

/** Sessions that are over. ssh2 fails the calls under way then, and leaves those made later without an answer. */
const ended = new WeakSet<SFTPWrapper>()

/** Opens the SFTP subsystem of a connection. */
export function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the SSH connection closed before SFTP began'))
    client.once('close', lost)
    client.sftp((error, sftp) => {
      client.off('close', lost)
      if (error) return reject(error)
      // Without a listener, a hostile server's malformed packet would end the whole process.
      sftp.on('error', () => client.destroy())
      sftp.once('end', () => ended.add(sftp))
      resolve(sftp)
    })
  })
}

/** What every server takes in one packet: ssh2 sends the rest of a larger write later, when the file may be closed. */
const chunkBytes = 28 * 1024
const inFlight = 64

type Put = { sftp: SFTPWrapper; path: string; source: Readable; mode: number; signal: AbortSignal }

/**
 * Writes a stream of unknown length to a file, many calls under way at once (ssh2's own write stream keeps one).
 * Sets the mode explicitly, since servers apply their umask, and rejects when that fails. Returns bytes.
 */
export async function putStream({ sftp, path, source, mode, signal }: Put): Promise<number> {
  const handle = await callback<Buffer>(sftp, (done) => sftp.open(path, 'w', { mode }, done))
  const writes = new Set<Promise<void>>()
  let failure: { error: unknown } | undefined
  const ask = (call: Call<void>) => {
    const write = callback<void>(sftp, call)
      .catch((error: unknown) => {
        failure ??= { error }
      })
      .finally(() => writes.delete(write))
    writes.add(write)
  }
  let position = 0
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      for (let start = 0; start < chunk.length; start += chunkBytes) {
        signal.throwIfAborted()
        if (failure) throw failure.error
        const length = Math.min(chunkBytes, chunk.length - start)
        const at = position
        position += length
        ask((done) => sftp.write(handle, chunk, start, length, at, done))
        if (writes.size >= inFlight) await Promise.race(writes)
      }
    }
    ask((done) => sftp.fchmod(handle, mode, done))
  } finally {
    source.destroy()
    ask((done) => sftp.close(handle, done))
    await Promise.all(writes)
  }
  if (failure) throw failure.error
  return position
}

type PutBytes = { sftp: SFTPWrapper; path: string; bytes: Buffer; mode: number }

/** Writes a whole file of few bytes in two round trips: all that needs the open file is asked at once. */
export async function putBytes({ sftp, path, bytes, mode }: PutBytes): Promise<void> {
  const handle = await callback<Buffer>(sftp, (done) => sftp.open(path, 'w', { mode }, done))
  const writes: Promise<void>[] = []
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    const length = Math.min(chunkBytes, bytes.length - start)
    writes.push(callback<void>(sftp, (done) => sftp.write(handle, bytes, start, length, start, done)))
  }
  await Promise.all([
    ...writes,
    callback<void>(sftp, (done) => sftp.fchmod(handle, mode, done)),
    callback<void>(sftp, (done) => sftp.close(handle, done)),
  ])
}

const { OK, NO_CONNECTION, CONNECTION_LOST } = ssh2.utils.sftp.STATUS_CODE

/** Whether an error is the server's own answer to a call, so that the connection is not what failed. */
export function isSftpAnswer(error: unknown): error is Error & { code: number } {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'number')) return false
  return ![OK, NO_CONNECTION, CONNECTION_LOST].includes(error.code)
}

type Call<T> = (done: (error?: Error | null, value?: T) => void) => unknown

/** A callback-style SFTP call as a promise that also rejects when the session is over. */
export function callback<T>(sftp: SFTPWrapper, call: Call<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    if (ended.has(sftp)) reject(new Error('the SFTP session is over'))
    else call((error, value) => (error ? reject(error) : resolve(value as T)))
  })
}
