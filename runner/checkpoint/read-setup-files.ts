import { createHash } from 'node:crypto'
import { addAbortSignal, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import type { TarSource } from '../job/job-order.ts'

export type SetupFiles = {
  /** Of the files' paths, kinds, modes and content, whatever their times and their order. */
  readonly digest: string
  /** The same files, for as many uploads as there are. */
  readonly tar: () => TarSource
}

/** What is read into memory, in bytes; a lock file is some hundred KiB. */
const mostBytes = 64 * 2 ** 20

/**
 * Reads what a setup may see, once, so that what is uploaded is what the digest says; undefined where it is more than
 * 64 MiB. The stream is over afterwards, whatever comes of it.
 * Throws what the source's stream does, or the signal's reason.
 */
export async function readSetupFiles(
  { stream, notes }: TarSource,
  signal: AbortSignal,
): Promise<SetupFiles | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of addAbortSignal(signal, stream)) {
      chunks.push(chunk as Buffer)
      size += (chunk as Buffer).length
      if (size > mostBytes) return undefined
    }
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
  return { digest: await digestOf(chunks), tar: () => ({ stream: Readable.from(chunks), notes }) }
}

async function digestOf(chunks: readonly Buffer[]): Promise<string> {
  const archive = extract()
  // Listened to from the start: the archive's error would end the whole process.
  const read = pipeline(Readable.from(chunks), archive)
  read.catch(() => undefined)
  const lines: string[] = []
  for await (const entry of archive) {
    const { name, type, mode, linkname } = entry.header
    const content = createHash('sha256')
    for await (const chunk of entry) content.update(chunk as Buffer)
    lines.push(JSON.stringify([name, type, mode, linkname ?? '', content.digest('hex')]))
  }
  await read
  return createHash('sha256').update(lines.sort().join('\n')).digest('hex')
}
