import { constants } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import ssh2, { type Attributes, type FileEntry, type SFTPWrapper } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import type { RemoteEntry, RemoteFiles } from '../machine/machine.ts'
import type { GuestLink } from '../ssh/guest-link.ts'
import { callback, isSftpAnswer, onSessionOver, openHandle } from '../ssh/sftp.ts'
import { sftpOf } from '../ssh/sftp-of.ts'

type Remote = {
  link: GuestLink
  guard: <T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>) => Promise<T>
}

/** A guest can answer a listing without end. */
const mostEntries = 200_000
/** characters over all names of a listing; each of them may be 256 KiB long */
const mostOfNames = 16 * 1024 * 1024

const { NO_SUCH_FILE, EOF } = ssh2.utils.sftp.STATUS_CODE

/** The guest's files over SFTP; whatever it answers is bounded here and judged by the caller. */
export function remoteFiles({ link, guard }: Remote): RemoteFiles {
  return {
    list: (directory, signal) =>
      guard(signal, async (both) => {
        const sftp = await sftpOf(await link.connection(both))
        const handle = await openHandle(sftp, (done) => sftp.opendir(directory, done))
        const entries: RemoteEntry[] = []
        let ofNames = 0
        try {
          for (;;) {
            both.throwIfAborted()
            const batch = await readBatch(sftp, handle)
            if (batch === undefined) return entries
            for (const { filename, attrs } of batch) {
              if (filename !== '.' && filename !== '..') entries.push(entryOf(filename, attrs))
              ofNames += filename.length
            }
            if (entries.length > mostEntries || ofNames > mostOfNames) {
              throw new InfraError(
                'collect',
                `expected at most ${mostEntries} names in ${directory}, got more`,
              )
            }
          }
        } finally {
          sftp.close(handle, () => undefined)
        }
      }),

    stat: (path, signal) =>
      guard(signal, async (both) => {
        const sftp = await sftpOf(await link.connection(both))
        try {
          const attrs = await callback<Attributes>(sftp, (done) => sftp.lstat(path, done))
          return entryOf(path.slice(path.lastIndexOf('/') + 1), attrs)
        } catch (error) {
          if (isSftpAnswer(error) && error.code === NO_SUCH_FILE) return undefined
          throw error
        }
      }),

    realpath: (path, signal) =>
      guard(signal, async (both) => {
        const sftp = await sftpOf(await link.connection(both))
        return await callback<string>(sftp, (done) => sftp.realpath(path, done))
      }),

    read: (path, signal) => {
      const out = new PassThrough()
      guard(signal, async (both) => {
        const sftp = await sftpOf(await link.connection(both))
        const file = sftp.createReadStream(path)
        const forget = onSessionOver(sftp, () => void file.destroy(new Error('the SFTP session is over')))
        await pipeline(file, out, { signal: both }).finally(forget)
      }).catch((error: Error) => out.destroy(error))
      return out
    },
  }
}

// A server says that there are no more names by a status; one without names could be sent for ever.
const noListing = 'expected names from the SFTP server, got none'

async function readBatch(sftp: SFTPWrapper, handle: Buffer): Promise<FileEntry[] | undefined> {
  try {
    const batch: unknown = await callback<FileEntry[]>(sftp, (done) => sftp.readdir(handle, done))
    if (!Array.isArray(batch) || batch.length === 0) throw new Error(noListing)
    return batch
  } catch (error) {
    if (isSftpAnswer(error) && error.code === EOF) return undefined
    throw error
  }
}

// S_IFMT and its kinds, inode(7).
const kinds: Readonly<Record<number, RemoteEntry['kind']>> = {
  [constants.S_IFREG]: 'file',
  [constants.S_IFDIR]: 'directory',
  [constants.S_IFLNK]: 'link',
}

function entryOf(name: string, { mode, size }: Pick<Attributes, 'mode' | 'size'>): RemoteEntry {
  return { name, kind: kinds[mode & constants.S_IFMT] ?? 'other', size, mode: mode & 0o7777 }
}
