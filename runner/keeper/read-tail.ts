import { open } from 'node:fs/promises'

const tailBytes = 4096

/** The last 4 KiB of a file as text; empty where it cannot be read. */
export async function readTail(path: string): Promise<string> {
  try {
    await using file = await open(path)
    const { size } = await file.stat()
    const length = Math.min(size, tailBytes)
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
    return buffer.toString('utf8')
  } catch {
    return ''
  }
}
