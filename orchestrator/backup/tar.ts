import { execa } from 'execa'
import { InfraError } from '../../config/errors.ts'
import { diskFullError } from '../../images/disk-full.ts'

/** A file that grew, shrank or went while it was read: what a backup of a server that runs has to expect. */
const changedMeanwhile = 1

type Tar = {
  readonly args: readonly string[]
  /** For messages: the file that is written, or read. */
  readonly file: string
  readonly signal: AbortSignal
}

/**
 * Runs GNU tar; gives what it printed.
 *
 * @throws {InfraError} `host-disk-full` or `collect`; the signal's reason on abort
 */
export async function tar({ args, file, signal }: Tar): Promise<string> {
  const { exitCode, stdout, stderr, code } = await execa('tar', args, {
    reject: false,
    cancelSignal: signal,
    stdin: 'ignore',
    // In whose words it fails.
    env: { LC_ALL: 'C' },
  })
  signal.throwIfAborted()
  if (exitCode === 0 || exitCode === changedMeanwhile) return stdout
  if (code === 'ENOENT') throw new InfraError('collect', 'expected tar on this host, found none')
  if (stderr.includes('No space left')) throw diskFullError('a backup', file, new Error(stderr))
  throw new InfraError('collect', `${file}: ${stderr.trim().slice(-500)}`, {
    hint: 'tar needs zstd beside it: apt-get install zstd',
  })
}
