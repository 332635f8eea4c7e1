import { createReadStream } from 'node:fs'
import { lstat, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import type { RemoteEntry, RemoteFiles } from '../../../runner/machine/machine.ts'

/** A RemoteFiles over a folder of this computer, as an honest SFTP server would tell it. */
export function localFiles(): RemoteFiles {
  return {
    async list(directory) {
      const names = await readdir(directory)
      return Promise.all(names.map((name) => entryOf(join(directory, name), name)))
    },
    async stat(path) {
      return entryOf(path, path.slice(path.lastIndexOf('/') + 1)).catch(() => undefined)
    },
    realpath: (path) => realpath(path),
    read: (path) => createReadStream(path),
  }
}

async function entryOf(path: string, name: string): Promise<RemoteEntry> {
  const stats = await lstat(path)
  const kind = stats.isFile()
    ? 'file'
    : stats.isDirectory()
      ? 'directory'
      : stats.isSymbolicLink()
        ? 'link'
        : 'other'
  return { name, kind, size: stats.size, mode: stats.mode & 0o7777 }
}
