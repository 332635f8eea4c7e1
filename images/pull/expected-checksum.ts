import { InfraError } from '../../config/errors.ts'
import type { CatalogueEntry } from '../catalogue/entry.ts'
import type { OnImageProgress } from '../image-progress.ts'
import { findChecksum, parseChecksumFile } from './checksum-file.ts'
import type { HttpGet } from './http.ts'
import type { PullLimits } from './limits.ts'
import { statusError, tooLargeError, unreachableError } from './pull-error.ts'
import { retry } from './retry.ts'
import { isPassing } from './status.ts'

type Options = {
  readonly entry: CatalogueEntry
  readonly get: HttpGet
  readonly limits: PullLimits
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
}

/** The longest checksum file seen is 20 KiB. */
const maxBytes = 4 * 2 ** 20

/**
 * What the published file must hash to, as `<algorithm>:<hex>`: pinned by the host file, or what the publisher's
 * checksum file says today.
 *
 * @throws InfraError `image`
 */
export async function expectedChecksum({ entry, get, limits, signal, onProgress }: Options): Promise<string> {
  if (entry.digest !== undefined || entry.checksum === undefined) {
    return entry.digest ?? ''
  }
  const { url, algorithm } = entry.checksum
  onProgress({ phase: 'checksum', url })
  const giveUp = (cause: unknown) => unreachableError(entry.name, url, cause)
  const text = await retry({ limits, signal, onProgress, giveUp }, () =>
    readText(entry.name, url, get, signal),
  )
  const file = decodeURIComponent(new URL(entry.url ?? '').pathname.split('/').at(-1) ?? '')
  const lines = parseChecksumFile(text)
  const hex = findChecksum(lines, file, algorithm)
  if (hex === undefined) {
    const message = `expected one ${algorithm} line for ${file} in ${url}, got ${lines.length} lines, none of them fit`
    throw new InfraError('image', `image ${JSON.stringify(entry.name)}: ${message}`, {
      hint: 'Check `checksum` in the host file, or pin the file with `digest: sha256:<hex>`.',
    })
  }
  return `${algorithm}:${hex}`
}

async function readText(name: string, url: string, get: HttpGet, signal: AbortSignal): Promise<string> {
  const response = await get(url, { mayDowngrade: false, signal })
  if (response.statusCode !== 200) {
    await response.body.dump()
    throw isPassing(response.statusCode)
      ? new Error(`status ${response.statusCode}`)
      : statusError(name, url, response.statusCode)
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response.body) {
    bytes += (chunk as Buffer).length
    if (bytes > maxBytes) {
      throw tooLargeError(name, 'a checksum file', maxBytes)
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}
