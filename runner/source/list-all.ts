import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Everything below a folder of the directory, relative to the directory; links are not entered. */
export async function listAll(directory: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(directory, folder), { withFileTypes: true })
  const found: string[] = []
  for (const entry of entries) {
    const path = `${folder}/${entry.name}`
    found.push(path)
    if (entry.isDirectory()) found.push(...(await listAll(directory, path)))
  }
  return found
}
