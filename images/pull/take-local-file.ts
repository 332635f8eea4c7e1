import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { InfraError } from '../../config/errors.ts'
import { checkFreeSpace } from '../disk-full.ts'
import { hashFile } from '../hash-file.ts'
import type { OnImageProgress } from '../image-progress.ts'
import type { ImageSource } from '../manifest.ts'
import { throttled } from '../throttled.ts'
import type { PullLimits } from './limits.ts'
import { checksumError, tooLargeError } from './pull-error.ts'

type Options = {
  readonly name: string
  readonly path: string
  /** `sha256:<hex>` that the file must have, where the host file pins it. */
  readonly digest: string | undefined
  readonly workFolder: string
  readonly limits: PullLimits
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
}

/**
 * Copies a disk of this host into the work folder, so that what is inspected is what is kept, whoever writes to the
 * original meanwhile.
 *
 * @throws InfraError `image` with the image's name and the path where there is no such file
 */
export async function takeLocalFile(options: Options): Promise<{ file: string; source: ImageSource }> {
  const { name, path, digest, workFolder, limits, signal, onProgress } = options
  const { size, mtimeMs } = await statSource(name, path)
  if (size > limits.imageBytes) {
    throw tooLargeError(name, 'a file', limits.imageBytes, size)
  }
  await checkFreeSpace(`copying image ${name}`, workFolder, size)
  const file = join(workFolder, 'source')
  const report = throttled((bytes: number) => onProgress({ phase: 'copy', bytes, total: size }))
  let bytes = 0
  await pipeline(
    createReadStream(path, { highWaterMark: 2 ** 20 }),
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        bytes += chunk.length
        report(bytes)
        yield chunk
      }
    },
    createWriteStream(file),
    { signal },
  )
  const found = digest === undefined ? undefined : await hashFile(file, { signal, onProgress })
  if (digest !== undefined && found !== undefined && found !== digest) {
    throw checksumError(name, path, digest, found)
  }
  return { file, source: { kind: 'path', path, size, mtimeMs } }
}

/** `key` is the one in the host file, for the hint. Size and time tell whether the shelf's copy is still of this file. */
export async function statSource(
  name: string,
  path: string,
  key: 'path' | 'kernel' | 'initrd' = 'path',
): Promise<{ size: number; mtimeMs: number }> {
  const found = await stat(path).catch(() => undefined)
  if (found === undefined || !found.isFile()) {
    const got = found === undefined ? 'nothing there' : 'something else'
    throw new InfraError('image', `image ${JSON.stringify(name)}: expected a file at ${path}, got ${got}`, {
      hint: `Put the file there, or correct \`${key}\` of image ${name} in the host file.`,
    })
  }
  return { size: found.size, mtimeMs: found.mtimeMs }
}
