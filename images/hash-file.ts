import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { ChecksumAlgorithm } from './catalogue/entry.ts'
import type { OnImageProgress } from './image-progress.ts'
import { throttled } from './throttled.ts'

type HashOptions = {
  readonly algorithm?: ChecksumAlgorithm
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: OnImageProgress | undefined
}

/** `<algorithm>:<hex>` of a file's bytes; rejects with the signal's reason. */
export async function hashFile(
  path: string,
  { algorithm = 'sha256', signal, onProgress }: HashOptions = {},
): Promise<string> {
  const hash = createHash(algorithm)
  const total = (await stat(path)).size
  const report = throttled((bytes: number) => onProgress?.({ phase: 'hash', bytes, total }))
  let bytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    signal?.throwIfAborted()
    hash.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
    report(bytes)
  }
  return `${algorithm}:${hash.digest('hex')}`
}
