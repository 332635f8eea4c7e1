import { constants } from 'node:fs'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import ssh2, { type Attributes, type FileEntry, type SFTPWrapper } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import type { RemoteEntry, RemoteFiles } from '../machine/machine.ts'
import type { GuestLink } from '../ssh/guest-link.ts'
import { callback, isSftpAnswer } from '../ssh/sftp.ts'
import { sftpOf } from '../ssh/sftp-of.ts'

type Remote = {
  link: GuestLink
  guard: <T>(signal: AbortSignal, call: (signal: AbortSignal) => Promise<T>) => Promise<T>
}

/** A guest can answer a listing without end. */
const mostEntries = 200_000

const { NO_SUCH_FILE, EOF } = ssh2.utils.sftp.STATUS_CODE

/** The guest's files over SFTP; whatever it answers is bounded here and judged by the caller. */
export function remoteFiles({ link, guard }: Remote): RemoteFiles {
  return {
    list: (directory, signal) =>
      guard(signal, async (both) => {
        const sftp = await sftpOf(await link.connection(both))
        const handle = await callback<Buffer>(sftp, (done) => sftp.opendir(directory, done))
        const entries: RemoteEntry[] = []
        try {
          for (;;) {
            both.throwIfAborted()
            const batch = await readBatch(sftp, handle)
            if (batch === undefined) return entries
            for (const { filename, attrs } of batch) {
              if (filename !== '.' && filename !== '..') entries.push(entryOf(filename, attrs))
            }
            if (entries.length > mostEntries) {
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
        await pipeline(sftp.createReadStream(path), out, { signal: both })
      }).catch((error: Error) => out.destroy(error))
      return out
    },
  }
}

async function readBatch(sftp: SFTPWrapper, handle: Buffer): Promise<FileEntry[] | undefined> {
  try {
    return await callback<FileEntry[]>(sftp, (done) => sftp.readdir(handle, done))
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
