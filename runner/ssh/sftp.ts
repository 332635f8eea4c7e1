import type { Readable } from 'node:stream'
import ssh2, { type Client, type SFTPWrapper } from 'ssh2'

/**
 * What is to be told of the end of a session; none where it is over. ssh2 forgets the call whose answer it could not
 * read, and leaves those made after the end without one.
 */
const whenOver = new WeakMap<SFTPWrapper, Set<() => void>>()

/** Opens the SFTP subsystem of a connection. */
export function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the SSH connection closed before SFTP began'))
    client.once('close', lost)
    client.sftp((error, sftp) => {
      client.off('close', lost)
      if (error) return reject(error)
      whenOver.set(sftp, new Set())
      // Without a listener, a hostile server's malformed packet would end the whole process.
      sftp.on('error', () => client.destroy())
      sftp.once('end', () => {
        const tell = whenOver.get(sftp) ?? []
        whenOver.delete(sftp)
        for (const each of tell) each()
      })
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
  const handle = await openHandle(sftp, (done) => sftp.open(path, 'w', { mode }, done))
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
  const handle = await openHandle(sftp, (done) => sftp.open(path, 'w', { mode }, done))
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

/** bytes; draft-ietf-secsh-filexfer-02 section 6.2. Each call on an open file sends its handle back. */
const longestHandle = 256

/** Opens a file or a directory. Throws what the server answers, or that its answer is none. */
export async function openHandle(sftp: SFTPWrapper, open: Call<Buffer>): Promise<Buffer> {
  const handle: unknown = await callback<Buffer>(sftp, open)
  if (Buffer.isBuffer(handle) && handle.length <= longestHandle) return handle
  throw new Error('expected a handle from the SFTP server, got something else')
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
    const forget = onSessionOver(sftp, () => reject(new Error('the SFTP session is over')))
    if (forget === undefined) return
    try {
      call((error, value) => {
        forget()
        if (error) reject(error)
        else resolve(value as T)
      })
    } catch (error) {
      forget()
      reject(error)
    }
  })
}

/** Tells when a session is over, at once where it is; gives what ends the listening, or undefined. */
export function onSessionOver(sftp: SFTPWrapper, tell: () => void): (() => void) | undefined {
  const all = whenOver.get(sftp)
  if (all === undefined) {
    tell()
    return undefined
  }
  all.add(tell)
  return () => void all.delete(tell)
}
