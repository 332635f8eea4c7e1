import { InfraError } from '../../config/errors.ts'
import { findProgram } from '../../runner/host/find-program.ts'

/**
 * The path of Redis, or of Valkey, which is the same under another name.
 *
 * @throws {InfraError} where this host has neither
 */
export async function findRedisServer(path = process.env.PATH ?? ''): Promise<string> {
  for (const name of ['redis-server', 'valkey-server']) {
    // Administration tools lie where an ordinary user's PATH does not look.
    const found = await findProgram(name, `${path}:/usr/sbin:/usr/local/sbin`)
    if (found !== undefined) return found
  }
  throw new InfraError('host-lost', 'expected redis-server or valkey-server on PATH, got neither', {
    hint: 'Run: apt-get install redis-server (or valkey), or name a Redis of your own as `redis:` in the host file.',
  })
}
