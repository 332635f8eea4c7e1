import type { Target } from './egress-policy.ts'

/**
 * The `host:port` of a CONNECT request (RFC 9110, 9.3.6), or a sentence about what is wrong with it.
 * Decimal, octal and hexadecimal addresses come out as the address they mean, so that they are judged as it.
 */
export function readAuthority(authority: string): Target | string {
  const parts = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+):(\d{1,5})$/i.exec(authority)
  if (parts === null) return `expected CONNECT host:port, got ${JSON.stringify(authority.slice(0, 300))}`
  return normalize(parts[1] as string, Number(parts[2]))
}

/** The absolute URL of a plain request, as target and path, or a sentence about what is wrong with it. */
export function readAbsoluteUrl(url: string): (Target & { path: string }) | string {
  const shown = JSON.stringify(url.slice(0, 300))
  const parts = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^#]*)/i.exec(url)
  if (parts === null)
    return `this is a proxy: expected an absolute URL such as http://host/path, got ${shown}`
  const [, scheme = '', authority = '', rest = ''] = parts
  if (scheme.toLowerCase() !== 'http')
    return `expected an http:// URL (and CONNECT for https://), got ${shown}`
  if (authority.includes('@')) return 'expected a URL without user name and password'
  const target = readAuthority(/:\d*$/.test(authority) ? authority.replace(/:$/, ':80') : `${authority}:80`)
  if (typeof target === 'string') return `expected a URL with a host, got ${shown}`
  return { ...target, path: rest.startsWith('/') ? rest : `/${rest}` }
}

function normalize(host: string, port: number): Target | string {
  if (port < 1 || port > 65535) return `expected a port from 1 to 65535, got ${port}`
  const url = `http://${host}/`
  if (!URL.canParse(url)) return `expected a host name or an IP address, got ${JSON.stringify(host)}`
  const name = new URL(url).hostname.replace(/\.$/, '')
  if (name.split('.').includes('')) return `expected a host name, got ${JSON.stringify(host)}`
  return { host: name, port }
}
