import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { hostDefaults } from './defaults.ts'

type Source = {
  /** What `--data` names. */
  readonly flag?: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly host: { readonly data: string | undefined }
  /** User id of this process. */
  readonly uid?: number | undefined
  readonly home?: string
}

/**
 * Absolute path of the folder in which Mayfly keeps everything: `--data`, else `MAYFLY_DATA`, else the host file's
 * `data`, else `/var/lib/mayfly` for root and the XDG data home for others.
 *
 * A relative `XDG_DATA_HOME` is ignored, as the XDG Base Directory Specification asks.
 */
export const dataFolder = ({
  flag,
  env,
  host,
  uid = process.getuid?.(),
  home = homedir(),
}: Source): string => {
  const named = flag ?? (env.MAYFLY_DATA || undefined) ?? host.data
  if (named !== undefined) return resolve(named)
  if (uid === 0) return hostDefaults.rootDataFolder
  const dataHome = env.XDG_DATA_HOME ?? ''
  return join(isAbsolute(dataHome) ? dataHome : join(home, '.local', 'share'), 'mayfly')
}
