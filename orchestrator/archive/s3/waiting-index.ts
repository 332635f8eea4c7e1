import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A small object on its way to the bucket. */
export type Waiting = { readonly key: string; readonly body: string }

/** What waits in a folder, each in a file of its own that is written once, whole and by any process of this host. */
export type WaitingIndex = {
  /** Names of the files, the oldest first. */
  names(): Promise<string[]>
  /** The same with the keys of what is in them. */
  list(): Promise<{ readonly name: string; readonly key: string }[]>
  /** Undefined where another process has brought it meanwhile. */
  read(name: string): Promise<Waiting | undefined>
}

type Options = {
  /** May not be there yet. */
  readonly folder: string
  /** @defaultValue that of Node.js */
  readonly readText?: ((path: string) => Promise<string>) | undefined
}

const fromDisk = (path: string) => readFile(path, 'utf8')

/** Reads each file once for its key: a file never changes, so its name says whether it is known. */
export function createWaitingIndex({ folder, readText = fromDisk }: Options): WaitingIndex {
  let keys = new Map<string, string>()
  const names = async () =>
    (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  const read = async (name: string): Promise<Waiting | undefined> => {
    const text = await readText(join(folder, name)).catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as Waiting)
  }
  return {
    names,
    read,
    list: async () => {
      const known = keys
      const found = await Promise.all(
        (await names()).map(async (name) => ({ name, key: known.get(name) ?? (await read(name))?.key })),
      )
      const listed = found.flatMap(({ name, key }) => (key === undefined ? [] : [{ name, key }]))
      keys = new Map(listed.map(({ name, key }) => [name, key]))
      return listed
    },
  }
}
