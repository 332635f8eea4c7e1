import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { extract } from 'tar-stream'

export type Unpacked = {
  name: string
  type: string
  mode: number
  mtime: Date
  linkname: string
  content: string
}

/** The entries of a tar stream, in its order. */
export async function unpack(stream: Readable): Promise<Unpacked[]> {
  const entries: Unpacked[] = []
  const extraction = extract()
  const done = (async () => {
    for await (const entry of extraction) {
      const chunks: Buffer[] = []
      for await (const chunk of entry) chunks.push(chunk as Buffer)
      const { name, type, mode, mtime, linkname } = entry.header
      entries.push({
        name: name.replace(/\/$/, ''),
        type,
        mode,
        mtime,
        linkname,
        content: Buffer.concat(chunks).toString(),
      })
    }
  })()
  for await (const chunk of stream)
    if (!extraction.write(chunk))
      await new Promise((resolve) => extraction.once('drain', () => resolve(undefined)))
  extraction.end(null)
  await done
  return entries
}

/** Unpacks with the system's tar, the reader that guests have. */
export async function systemTar(stream: Readable, folder: string): Promise<void> {
  await execa('tar', ['-xpf', '-', '-C', folder], { input: stream })
}
