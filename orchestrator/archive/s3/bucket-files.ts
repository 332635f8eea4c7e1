import { Readable } from 'node:stream'
import { InfraError } from '../../../config/errors.ts'
import type { AttemptFiles, ByteSpan, StreamOptions } from '../../../runner/job/attempt-files.ts'
import { createBlockCache } from './block-cache.ts'
import { attemptKey, completeName, liveKey } from './keys.ts'
import type { ObjectStore } from './object-store.ts'

type Options = {
  readonly store: Pick<ObjectStore, 'get' | 'size' | 'list'>
  /** ms for which it is not asked again how much there is of a file. @defaultValue 1 s */
  readonly freshMs?: number
}

/** Objects that make up a file, one after the other. */
type Piece = { readonly key: string; readonly start: number; readonly end: number }

const streamBytes = 4 * 2 ** 20
/** Files of which it is remembered where they are. */
const mostKnown = 1000

/**
 * Gives the files of attempts as the bucket has them: whole where the attempt has ended, else what the host that runs it
 * has brought so far.
 */
export function createBucketFiles({ store, freshMs = 1000 }: Options): (attempt: string) => AttemptFiles {
  const known = new Map<string, { readonly at: number; readonly pieces: Promise<Piece[] | undefined> }>()

  const readSpan = createBlockCache(store)

  const find = async (attempt: string, name: string): Promise<Piece[] | undefined> => {
    const key = attemptKey(attempt, name)
    const bytes = await store.size(key)
    if (bytes !== undefined) return [{ key, start: 0, end: bytes }]
    const pieces: Piece[] = []
    for await (const piece of store.list(liveKey(attempt, name))) {
      const start = pieces.at(-1)?.end ?? 0
      pieces.push({ key: piece.key, start, end: start + piece.bytes })
    }
    return pieces.length === 0 ? undefined : pieces
  }
  const piecesOf = (attempt: string, name: string): Promise<Piece[] | undefined> => {
    const key = `${attempt}/${name}`
    const last = known.get(key)
    if (last !== undefined && performance.now() - last.at < freshMs) return last.pieces
    const pieces = find(attempt, name)
    pieces.catch(() => known.delete(key))
    known.delete(key)
    known.set(key, { at: performance.now(), pieces })
    const [oldest] = known.keys()
    if (known.size > mostKnown && oldest !== undefined) known.delete(oldest)
    return pieces
  }
  const forget = (attempt: string) => {
    for (const key of known.keys()) if (key.startsWith(`${attempt}/`)) known.delete(key)
  }
  const readOnce = async (attempt: string, name: string, span: ByteSpan): Promise<Buffer | undefined> => {
    const pieces = await piecesOf(attempt, name)
    if (pieces === undefined)
      throw new InfraError('host-lost', `expected ${name} of ${attempt} in the bucket, found none`)
    const { start, end = pieces.at(-1)?.end ?? 0 } = span
    const chunks: Buffer[] = []
    for (const piece of pieces) {
      const from = Math.max(start, piece.start) - piece.start
      const to = Math.min(end, piece.end) - piece.start
      if (to <= from) continue
      const object = { key: piece.key, bytes: piece.end - piece.start }
      const chunk = await readSpan(object, { start: from, end: to })
      if (chunk === undefined) return undefined
      chunks.push(chunk)
    }
    return Buffer.concat(chunks)
  }
  const read = async (attempt: string, name: string, span: ByteSpan): Promise<Buffer> => {
    const bytes = await readOnce(attempt, name, span)
    if (bytes !== undefined) return bytes
    // Its pieces were replaced by the whole since it was looked where they are.
    forget(attempt)
    return (await readOnce(attempt, name, span)) ?? Buffer.alloc(0)
  }

  return (attempt) => {
    const chunks = async function* (name: string, span: ByteSpan & StreamOptions): AsyncGenerator<Buffer> {
      const { signal, blockBytes = streamBytes } = span
      const end = span.end ?? (await piecesOf(attempt, name))?.at(-1)?.end ?? 0
      for (let start = span.start; start < end; ) {
        signal?.throwIfAborted()
        const chunk = await read(attempt, name, { start, end: Math.min(end, start + blockBytes) })
        if (chunk.length === 0) return
        start += chunk.length
        yield chunk
      }
    }
    return {
      size: async (name) => (await piecesOf(attempt, name))?.at(-1)?.end,
      isThere: async (name) =>
        (await piecesOf(attempt, name)) !== undefined ||
        (await store.size(attemptKey(attempt, `${name}/`))) !== undefined,
      read: (name, span) => read(attempt, name, span),
      stream: (name, span) => Readable.from(chunks(name, span), { objectMode: false }),
      list: async (folder) => {
        const start = attemptKey(attempt, `${folder}/`)
        const files = []
        for await (const { key, bytes } of store.list(start))
          if (key !== start) files.push({ path: key.slice(start.length), bytes })
        return files
      },
      isComplete: async () => {
        const isComplete = (await store.size(attemptKey(attempt, completeName))) !== undefined
        // Whoever asks reads what there is afterwards, and not what there was before.
        if (isComplete) forget(attempt)
        return isComplete
      },
    }
  }
}
