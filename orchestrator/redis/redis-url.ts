import type { RedisOptions } from 'ioredis'
import { ConfigError } from '../../config/errors.ts'

/**
 * What a `redis:` of the host file means to ioredis. Understood are `redis://[user:password@]host[:port][/db]`,
 * `rediss://` for TLS, and `redis+sentinel://[user:password@]host[:port],host[:port]/name[/db]` with
 * `rediss+sentinel://` for TLS, and `unix://[:password@]/path/of.sock[?db=N]`; `?sentinelUsername=` and `?sentinelPassword=` are for the sentinels themselves.
 *
 * @throws {ConfigError} on anything else; its message never holds a password
 */
export function parseRedisUrl(url: string): RedisOptions {
  const socket = /^unix:\/\/(?:([^@/?#]*)@)?(\/[^?#]+)(?:\?([^#]*))?$/.exec(url)
  if (socket !== null) {
    const [, login, path = '', query] = socket
    const database = new URLSearchParams(query).get('db') ?? ''
    return { path: decoded(path, url), ...readLogin(login, url), ...readDatabase(database, url) }
  }
  const parts = /^(rediss?)(\+sentinel)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(
    url,
  )
  if (parts === null) throw refused(url, 'a URL of that form')
  const [, scheme, sentinel, login, hosts = '', path = '', query] = parts
  const secure = scheme === 'rediss' ? { tls: {} } : {}
  const credentials = readLogin(login, url)
  if (sentinel === undefined) {
    const [address, ...more] = readHosts(hosts, 6379, url)
    if (address === undefined || more.length > 0) throw refused(url, 'exactly one host')
    return { ...address, ...credentials, ...secure, ...readDatabase(path, url) }
  }
  const [name, database = ''] = path.split('/')
  if (name === undefined || name === '') throw refused(url, 'the name of the master after the hosts')
  const own = new URLSearchParams(query)
  return {
    sentinels: readHosts(hosts, 26379, url),
    name: decoded(name, url),
    ...credentials,
    ...readDatabase(database, url),
    ...secure,
    ...(scheme === 'rediss' ? { sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
    ...present('sentinelUsername', own.get('sentinelUsername')),
    ...present('sentinelPassword', own.get('sentinelPassword')),
  }
}

/** The URL as it may be shown: without its passwords. */
export function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//***@').replace(/\?.*$/s, '')
}

function readLogin(login: string | undefined, url: string): RedisOptions {
  if (login === undefined || login === '') return {}
  const colon = login.indexOf(':')
  if (colon === -1) throw refused(url, 'user:password (or :password) before the @')
  return {
    ...present('username', decoded(login.slice(0, colon), url)),
    ...present('password', decoded(login.slice(colon + 1), url)),
  }
}

function readHosts(hosts: string, port: number, url: string): { host: string; port: number }[] {
  return hosts.split(',').map((text) => {
    const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text)
    const host = parts?.[1] ?? parts?.[2]
    const given = Number(parts?.[3] ?? port)
    if (host === undefined || given < 1 || given > 65535)
      throw refused(url, 'hosts as name, name:port or [IPv6]:port')
    return { host, port: given }
  })
}

function readDatabase(text: string, url: string): RedisOptions {
  if (text === '') return {}
  if (!/^\d{1,5}$/.test(text)) throw refused(url, 'a number as the database')
  return { db: Number(text) }
}

function decoded(text: string, url: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refused(url, 'whole percent escapes')
  }
}

function present<K extends string>(key: K, value: string | null): { [key in K]?: string } {
  return value === null || value === '' ? {} : ({ [key]: value } as { [key in K]?: string })
}

function refused(url: string, expected: string): ConfigError {
  return new ConfigError(`redis: expected ${expected}, got ${JSON.stringify(withoutPassword(url))}`, {
    hint: 'Write redis://host:6379, rediss://:password@host:6380/0, unix:///path/of.sock or redis+sentinel://host1,host2:26379/name.',
  })
}
