/**
 * The configuration of the embedded Redis: no TCP port, nothing evicted, and nothing answered before it is on disk.
 *
 * `appendfsync always` is a group commit: Redis writes and syncs once for all commands that came in together, so
 * that with many clients it costs less than it sounds.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/
 */
export function redisConfig({ folder, socket }: { folder: string; socket: string }): string {
  const settings: [string, ...string[]][] = [
    ['port', '0'],
    ['unixsocket', socket],
    ['unixsocketperm', '700'],
    ['protected-mode', 'yes'],
    ['dir', folder],
    ['daemonize', 'no'],
    ['databases', '1'],
    ['appendonly', 'yes'],
    ['appendfsync', 'always'],
    // A write cut short by a crash was never answered; what is before it loads.
    ['aof-load-truncated', 'yes'],
    // No snapshots beside the append-only file.
    ['save', ''],
    // BullMQ and the store keep no copies elsewhere: full memory has to be an error, not a loss.
    ['maxmemory-policy', 'noeviction'],
    // Records are hashes of about twenty fields; packed they take a third. The name is good for Redis 6 to 8 and Valkey.
    ['hash-max-ziplist-value', '4096'],
  ]
  return settings.map(([name, ...values]) => `${name} ${values.map(quoted).join(' ')}\n`).join('')
}

// As sdssplitargs of Redis reads it: bytes that are not plain in hexadecimal.
function quoted(value: string): string {
  const bytes = [...Buffer.from(value)].map((byte) =>
    /[A-Za-z0-9_./ -]/.test(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  )
  return `"${bytes.join('')}"`
}
