import { createHash, type Hash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { InfraError } from '../../config/errors.ts'
import { checkFreeSpace, diskFullError, isDiskFull } from '../disk-full.ts'
import { partFile } from '../filenames.ts'
import type { OnImageProgress } from '../image-progress.ts'
import { throttled } from '../throttled.ts'
import { type HttpGet, type HttpResponse, header } from './http.ts'
import type { PullLimits } from './limits.ts'
import { partSize, readPartState, removePart, writePartState } from './part-state.ts'
import { statusError, tooLargeError, unreachableError } from './pull-error.ts'
import { retry } from './retry.ts'
import { isPassing } from './status.ts'

export type DownloadOptions = {
  readonly name: string
  readonly url: string
  /** `<algorithm>:<hex>` that the whole should have; says which earlier part may be gone on with. */
  readonly checksum: string
  /** Where the part is kept. */
  readonly downloads: string
  readonly get: HttpGet
  readonly limits: PullLimits
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
}

/** `checksum` is `<algorithm>:<hex>` of what came; `resumed` says whether an earlier pull's bytes are in it. */
export type Downloaded = { readonly file: string; readonly checksum: string; readonly resumed: boolean }

/**
 * Downloads a file, going on where a broken connection, or an earlier pull that was interrupted, left it. What is
 * on the disk is hashed again before it is built upon. An interruption keeps the part; a full disk removes it.
 *
 * @throws InfraError `image` or `host-disk-full`, or the signal's reason
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const { name, url, checksum, downloads, limits, signal, onProgress } = options
  await mkdir(downloads, { recursive: true })
  const state = await readPartState(downloads)
  if (state?.url !== url || state.checksum !== checksum) {
    await removePart(downloads)
  }
  const resumed = (await partSize(downloads)) > 0
  let received = 0
  const count = (bytes: number) => {
    received += bytes
  }
  const giveUp = (cause: unknown) => unreachableError(name, url, cause)
  const found = await retry({ limits, signal, onProgress, giveUp, progressMark: () => received }, () =>
    receive(options, count).catch((error: unknown) => settle(error, options)),
  )
  await syncFile(partFile(downloads))
  return { file: partFile(downloads), checksum: found, resumed }
}

/** Errors of this host and verdicts of the server are final and leave no part; what is left is the network's. */
async function settle(error: unknown, { name, downloads }: DownloadOptions): Promise<never> {
  const final = isDiskFull(error)
    ? diskFullError(`downloading image ${name}`, downloads, error)
    : isFileError(error)
      ? new InfraError(
          'image',
          `image ${JSON.stringify(name)}: expected to write in ${downloads}, got ${error.message}`,
        )
      : error
  if (final instanceof InfraError) {
    await removePart(downloads)
  }
  throw final
}

/** The system names a path only where a file was the trouble. */
function isFileError(error: unknown): error is Error {
  return (
    error instanceof Error &&
    'syscall' in error &&
    ('path' in error || ('code' in error && error.code === 'EIO'))
  )
}

/** One request, from where the part ends. Returns the checksum of the whole. */
async function receive(options: DownloadOptions, count: (bytes: number) => void): Promise<string> {
  const { name, url, checksum, downloads, get, limits, signal, onProgress } = options
  const state = await readPartState(downloads)
  const size = state === undefined ? 0 : await partSize(downloads)
  const headers = size > 0 && state ? { range: `bytes=${size}-`, 'if-range': state.validator } : {}
  const response = await get(url, { headers, mayDowngrade: true, signal })
  const offset = await acceptedOffset(response, { size, validator: state?.validator }, options)
  const total = totalSize(response, offset)
  if (total !== undefined && total > limits.imageBytes) {
    await response.body.dump()
    throw tooLargeError(name, 'a download', limits.imageBytes, total)
  }
  if (offset === 0) {
    await removePart(downloads)
    const validator = validatorOf(response)
    if (validator !== undefined) {
      await writePartState(downloads, { url, checksum, validator })
    }
  }
  await checkFreeSpace(`downloading image ${name}`, downloads, (total ?? offset) - offset).catch(
    async (error) => {
      await response.body.dump()
      throw error
    },
  )
  const hash = createHash(checksum.split(':')[0] ?? 'sha256')
  await hashPart(hash, partFile(downloads), offset)
  let bytes = offset
  const report = throttled((done: number) =>
    onProgress({ phase: 'download', bytes: done, total, resumed: offset }),
  )
  await pipeline(
    response.body,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length
        if (bytes > limits.imageBytes) {
          throw tooLargeError(name, 'a download', limits.imageBytes)
        }
        hash.update(chunk)
        count(chunk.length)
        report(bytes)
        yield chunk
      }
    },
    createWriteStream(partFile(downloads), offset > 0 ? { flags: 'r+', start: offset } : {}),
    { signal },
  )
  if (total !== undefined && bytes < total) {
    throw new Error(`the connection ended after ${bytes} of ${total} bytes`)
  }
  onProgress({ phase: 'download', bytes, total, resumed: offset })
  return `${checksum.split(':')[0]}:${hash.digest('hex')}`
}

/** Where the body's first byte belongs: the end of our part, or 0 where the server starts anew. */
async function acceptedOffset(
  response: HttpResponse,
  { size, validator }: { size: number; validator: string | undefined },
  { name, url, downloads }: DownloadOptions,
): Promise<number> {
  const { statusCode } = response
  if (statusCode === 200) {
    return 0
  }
  const start = /^bytes (\d+)-/.exec(header(response, 'content-range') ?? '')?.[1]
  const etag = header(response, 'etag')
  const changed = etag !== undefined && validator?.startsWith('"') === true && etag !== validator
  if (statusCode === 206 && Number(start) === size && !changed) {
    return size
  }
  await response.body.dump()
  if (statusCode === 206 || statusCode === 416) {
    // Another file by now, a shorter one, or an answer to another question: begin again without a range.
    await removePart(downloads)
    throw new Error(`status ${statusCode} for a range from ${size}`)
  }
  throw isPassing(statusCode) ? new Error(`status ${statusCode}`) : statusError(name, url, statusCode)
}

function totalSize(response: HttpResponse, offset: number): number | undefined {
  const whole = /\/(\d+)$/.exec(header(response, 'content-range') ?? '')?.[1]
  const rest = header(response, 'content-length')
  return whole !== undefined ? Number(whole) : rest !== undefined ? offset + Number(rest) : undefined
}

/** If-Range takes no weak ETag (RFC 9110, 13.1.5); without a validator a part cannot be trusted to fit. */
function validatorOf(response: HttpResponse): string | undefined {
  const etag = header(response, 'etag')
  return etag?.startsWith('"') ? etag : header(response, 'last-modified')
}

async function hashPart(hash: Hash, file: string, length: number): Promise<void> {
  if (length > 0) {
    for await (const chunk of createReadStream(file, { end: length - 1, highWaterMark: 2 ** 20 })) {
      hash.update(chunk as Buffer)
    }
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
