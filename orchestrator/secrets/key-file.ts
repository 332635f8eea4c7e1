import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { HostConfig } from '../../config/host/host-config.ts'

type Source = {
  readonly host: Pick<HostConfig, 'secretsKey'>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly uid?: number | undefined
  readonly home?: string
}

/**
 * Absolute path of the key file: the host file's `secrets_key`, else `/etc/mayfly/secrets.key` for root and
 * `mayfly/secrets.key` in the XDG config home for others. Never in the data folder: a backup of one is no backup
 * of the other.
 */
export function secretsKeyFile({ host, env, uid = process.getuid?.(), home = homedir() }: Source): string {
  if (host.secretsKey !== undefined) return host.secretsKey
  if (uid === 0) return '/etc/mayfly/secrets.key'
  const configHome = env.XDG_CONFIG_HOME ?? ''
  return join(isAbsolute(configHome) ? configHome : join(home, '.config'), 'mayfly', 'secrets.key')
}
