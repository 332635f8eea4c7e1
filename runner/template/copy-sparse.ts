import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { diskFullError } from '../../images/disk-full.ts'

/**
 * Copies a file for its caller to write to: holes stay holes, and where the file system can, nothing is copied at all.
 * Node's own copy would fill the holes.
 *
 * @throws {InfraError} `host-disk-full` or `boot`; the signal's reason
 */
export async function copySparse(from: string, to: string, signal: AbortSignal): Promise<void> {
  const flags = ['--sparse=always', '--reflink=auto', '--no-preserve=mode', '--']
  const { exitCode, stderr } = await execa('cp', [...flags, from, to], {
    reject: false,
    cancelSignal: signal,
    // In whose words it fails.
    env: { LC_ALL: 'C' },
  })
  signal.throwIfAborted()
  if (exitCode === 0) return
  if (stderr.includes('No space left')) throw diskFullError(`copying ${from}`, to, new Error(stderr))
  throw new InfraError('boot', `${from} could not be copied: ${stderr}`)
}
