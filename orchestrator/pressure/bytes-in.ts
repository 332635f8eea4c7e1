import { opendir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** What the files in a folder take on disk, holes left out. Nothing is followed, and what goes meanwhile counts nothing. */
export async function bytesIn(folder: string): Promise<number> {
  let bytes = 0
  const open = [folder]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const entries = await opendir(path).catch(() => undefined)
    if (entries === undefined) continue
    for await (const entry of entries) {
      const full = join(path, entry.name)
      if (entry.isDirectory()) open.push(full)
      else if (entry.isFile())
        bytes += await stat(full).then(
          ({ blocks }) => blocks * 512,
          () => 0,
        )
    }
  }
  return bytes
}
