import type { CloudConfig } from './cloud-config.ts'

/** Lists of which every layer adds its own; any other list is replaced by the layer above. */
export const listKeys = [
  'users',
  'ssh_authorized_keys',
  'write_files',
  'runcmd',
  'bootcmd',
  'packages',
] as const

/** Calls `fail` for each of these keys that holds something other than a list. */
export function checkLists(config: CloudConfig, fail: (key: string, got: string) => void): void {
  for (const key of listKeys) {
    const value = config[key]
    if (listOf(key, value) === undefined) fail(key, typeof value)
  }
}

/**
 * The value as a list, or undefined when it cannot be one.
 * cloud-init also takes `users: a, b`, users as a map from name to settings, and one key as a plain string.
 */
export function listOf(key: string, value: unknown): readonly unknown[] | undefined {
  if (value === undefined || value === null) return []
  if (Array.isArray(value)) return value
  if (key === 'users' && typeof value === 'string') {
    return value
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
  }
  if (key === 'users' && typeof value === 'object') {
    return Object.entries(value).map(([name, settings]) => ({ ...(settings as object | null), name }))
  }
  if (key === 'ssh_authorized_keys' && typeof value === 'string') return [value]
  return undefined
}
