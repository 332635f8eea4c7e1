import { execa } from 'execa'
import { ConfigError } from '../../../config/errors.ts'

/**
 * Runs OpenSSH's client on this terminal, and gives its exit code.
 * @throws ConfigError where there is none on this computer
 */
export async function runSsh(args: readonly string[]): Promise<number> {
  const { exitCode, code } = await execa('ssh', args, { stdio: 'inherit', reject: false })
  if (code === 'ENOENT') {
    throw new ConfigError('expected the program ssh on this computer, found none', {
      hint: 'apt-get install openssh-client',
    })
  }
  return exitCode ?? 1
}
