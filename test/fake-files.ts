import { posix } from 'node:path'
import { Readable } from 'node:stream'
import type { RemoteEntry, RemoteFiles } from '../runner/machine/machine.ts'

/** Content, or a link to another path. Mode 0644 unless it says so. */
export type FakeFile =
  | string
  | Buffer
  | { readonly content: string | Buffer; readonly mode: number }
  | FakeLink
type FakeLink = { readonly link: string }

/** The files of a guest out of a map from path to file, relative to `workdir`; folders are where files need them. */
export function createFakeFiles(
  workdir: () => string,
  files: Readonly<Record<string, FakeFile>>,
): RemoteFiles {
  const absolute = () =>
    new Map(Object.entries(files).map(([path, file]) => [posix.resolve(workdir(), path), file]))
  const folders = () => new Set([workdir(), ...[...absolute().keys()].flatMap(foldersAbove)])

  const entryAt = (path: string): RemoteEntry | undefined => {
    const name = posix.basename(path)
    const file = absolute().get(path)
    if (file !== undefined) return entryOf(name, file)
    return folders().has(path) ? { name, kind: 'directory', size: 4096, mode: 0o755 } : undefined
  }

  const follow = (path: string): string => {
    const file = absolute().get(path)
    return isLink(file) ? posix.resolve(posix.dirname(path), file.link) : path
  }

  return {
    async list(directory) {
      if (entryAt(directory)?.kind !== 'directory') throw new Error(`no such directory: ${directory}`)
      const paths = new Set([...absolute().keys(), ...folders()])
      const names = [...paths].filter((path) => path !== '/' && posix.dirname(path) === directory)
      return names.map((path) => entryAt(path) as RemoteEntry)
    },
    stat: async (path) => entryAt(path),
    async realpath(path) {
      const target = follow(path)
      if (entryAt(target) === undefined) throw new Error(`no such file: ${target}`)
      return target
    },
    read(path) {
      const file = absolute().get(follow(path))
      return file === undefined
        ? failing(new Error(`no such file: ${path}`))
        : Readable.from([contentOf(file)])
    },
  }
}

function foldersAbove(path: string): string[] {
  return path === '/' ? [] : [posix.dirname(path), ...foldersAbove(posix.dirname(path))]
}

function entryOf(name: string, file: FakeFile): RemoteEntry {
  if (isLink(file)) return { name, kind: 'link', size: file.link.length, mode: 0o777 }
  const mode = typeof file === 'object' && 'mode' in file ? file.mode : 0o644
  return { name, kind: 'file', size: contentOf(file).length, mode }
}

function contentOf(file: FakeFile): Buffer {
  if (isLink(file)) throw new Error('expected a file, got a link')
  return Buffer.from(typeof file === 'object' && 'content' in file ? file.content : file)
}

function isLink(file: FakeFile | undefined): file is FakeLink {
  return typeof file === 'object' && 'link' in file
}

function failing(error: Error): Readable {
  return new Readable({
    read() {
      this.destroy(error)
    },
  })
}
