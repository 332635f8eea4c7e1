import type { Readable } from 'node:stream'
import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { diskFullError } from '../../images/disk-full.ts'

type Files = { readonly from: string; readonly to: string; readonly signal: AbortSignal }

// The quickest level: a guest's memory is half as large with it, and a tenth smaller still with the default one.
const flags = ['-q', '-1', '-T0', '--check']

/**
 * Writes what comes from a stream to a new file, compressed; zstd has a checksum of it.
 *
 * @throws {InfraError} `host-disk-full` or `boot`; the signal's reason on abort
 */
export async function compressStream(from: Readable, { to, signal }: Omit<Files, 'from'>): Promise<void> {
  await zstd([...flags, '-o', to], { to, signal, input: from })
}

/** The same with a file, which stays. */
export async function compressFile({ from, to, signal }: Files): Promise<void> {
  await zstd([...flags, '-o', to, '--', from], { to, signal })
}

/** Throws as well where a byte of the compressed file is not what it was. */
export async function decompressFile({ from, to, signal }: Files): Promise<void> {
  await zstd(['-q', '-d', '--sparse', '-o', to, '--', from], { to, signal })
}

type Run = { readonly to: string; readonly signal: AbortSignal; readonly input?: Readable }

async function zstd(args: readonly string[], { to, signal, input }: Run): Promise<void> {
  const { exitCode, stderr, code } = await execa('zstd', args, {
    reject: false,
    cancelSignal: signal,
    ...(input === undefined ? { stdin: 'ignore' as const } : { input }),
    // In whose words it fails.
    env: { LC_ALL: 'C' },
  })
  signal.throwIfAborted()
  if (exitCode === 0) return
  if (code === 'ENOENT')
    throw new InfraError('boot', 'expected zstd on this host, found none', { hint: 'apt-get install zstd' })
  if (stderr.includes('No space left')) throw diskFullError('parking a machine', to, new Error(stderr))
  throw new InfraError('boot', `${to} could not be written: ${stderr.trim().slice(-300)}`)
}
