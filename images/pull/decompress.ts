import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import type { Compression } from '../catalogue/entry.ts'
import type { OnImageProgress } from '../image-progress.ts'
import { checkToolPresent, limitedArgs, toolOptions, toolWords } from '../run-limited.ts'
import { throttled } from '../throttled.ts'
import type { PullLimits } from './limits.ts'
import { reasonOf, tooLargeError } from './pull-error.ts'

type Options = {
  readonly name: string
  readonly source: string
  readonly target: string
  readonly compression: Exclude<Compression, 'none'>
  readonly limits: PullLimits
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
}

/** Unpacks a file and stops a bomb at the limit. gzip is Node's own; xz and zstd are the system's tools. */
export async function decompress(options: Options): Promise<void> {
  const { name, source, compression, signal } = options
  try {
    if (compression === 'gz') {
      const gunzip = createGunzip()
      await pipeline(createReadStream(source), gunzip, bounded(options), createWriteStream(options.target), {
        signal,
      })
    } else {
      await decompressWithTool(compression, options)
    }
  } catch (error) {
    signal.throwIfAborted()
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')) {
      throw corruptError(name, compression, reasonOf(error))
    }
    throw error
  }
}

async function decompressWithTool(tool: 'xz' | 'zstd', options: Options): Promise<void> {
  const { name, source, target, limits, signal } = options
  // zstd refuses windows above 128 MiB unless told; some publishers use --long=31.
  const args = tool === 'xz' ? ['-dc', '--threads=1'] : ['-dc', '--long=31']
  const toolLimits = { cpu: 3600, memory: 4 * 2 ** 30, fileSize: limits.imageBytes }
  const child = execa('prlimit', limitedArgs(tool, args, toolLimits), {
    ...toolOptions(signal),
    buffer: { stdout: false },
  })
  child.stdin.on('error', () => {})
  const feeding = pipeline(createReadStream(source), child.stdin).catch(() => {})
  try {
    await pipeline(child.stdout, bounded(options), createWriteStream(target), { signal })
  } catch (error) {
    child.kill()
    throw error
  } finally {
    await feeding
  }
  const result = await child
  checkToolPresent(tool, result)
  if (result.failed) {
    throw corruptError(name, tool, toolWords(result))
  }
}

/** Passes chunks on, counts them and ends what grows beyond the limit. */
function bounded({ name, limits, onProgress }: Options) {
  let bytes = 0
  const report = throttled((done: number) =>
    onProgress({ phase: 'decompress', bytes: done, total: undefined }),
  )
  return async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length
      if (bytes > limits.imageBytes) {
        throw tooLargeError(name, 'an unpacked disk', limits.imageBytes)
      }
      report(bytes)
      yield chunk
    }
  }
}

function corruptError(name: string, compression: string, found: string): InfraError {
  return new InfraError(
    'image',
    `image ${JSON.stringify(name)}: expected ${compression} data, got: ${found}`,
    {
      hint: 'Check `compression` of the image in the host file.',
    },
  )
}
