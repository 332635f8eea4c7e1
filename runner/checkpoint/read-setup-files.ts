import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import type { TarSource } from '../job/job-order.ts'

export type SetupFiles = {
  /** Of the files' paths, kinds, modes and content, whatever their times; undefined where they are too many bytes. */
  readonly digest: string | undefined
  /** The same files, for the upload; once only where there is no digest. */
  readonly tar: () => TarSource
}

/** What is read into memory, in bytes; a lock file is some hundred KiB. */
const mostBytes = 64 * 2 ** 20

/**
 * Reads what a setup may see, once, so that what is uploaded is what the digest says.
 * Throws what the source's stream does.
 */
export async function readSetupFiles({ stream, notes }: TarSource): Promise<SetupFiles> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > mostBytes) {
      return { digest: undefined, tar: () => ({ stream: Readable.from(both(chunks, stream)), notes }) }
    }
  }
  return { digest: await digestOf(chunks), tar: () => ({ stream: Readable.from(chunks), notes }) }
}

async function* both(first: readonly Buffer[], rest: Readable): AsyncGenerator<Buffer> {
  yield* first
  yield* rest
}

async function digestOf(chunks: readonly Buffer[]): Promise<string> {
  const archive = extract()
  Readable.from(chunks).pipe(archive)
  const lines: string[] = []
  for await (const entry of archive) {
    const { name, type, mode, linkname } = entry.header
    const content = createHash('sha256')
    for await (const chunk of entry) content.update(chunk as Buffer)
    lines.push(JSON.stringify([name, type, mode, linkname ?? '', content.digest('hex')]))
  }
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex')
}
