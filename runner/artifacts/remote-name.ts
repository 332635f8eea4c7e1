const longestName = 255

/**
 * Why a name that the guest's SFTP server told is not taken for a file name; undefined if it is one.
 * A lying server can send anything, and `../../etc/cron.d/x` must not become a path on the host.
 */
export function refuseRemoteName(name: string): string | undefined {
  if (name === '') return 'an empty name'
  if (name === '.' || name === '..') return "a name that is '.' or '..'"
  if (name.includes('/')) return 'a name with a slash'
  if (name.includes('\0')) return 'a name with NUL'
  if (Buffer.byteLength(name) > longestName) return `a name of more than ${longestName} bytes`
  return undefined
}
