import { rm, writeFile } from 'node:fs/promises'

/**
 * Writes a file of our own, for its owner alone, where a QEMU of another user can make files too: what it put there under
 * this name goes, and a link is not followed (`O_EXCL`).
 */
export async function writeOwnFile(path: string, content: string): Promise<void> {
  await rm(path, { force: true })
  await writeFile(path, content, { mode: 0o600, flag: 'wx' })
}
