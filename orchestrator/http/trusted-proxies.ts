import { BlockList, isIP } from 'node:net'

/** Whether an address is of a proxy that is trusted. */
export type TrustedProxies = (address: string) => boolean

/** @param entries addresses and networks such as `10.0.0.0/8`, as the host file's `trusted_proxies` has them */
export function trustedProxies(entries: readonly string[]): TrustedProxies {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return (given) => {
    const address = plainAddress(given)
    return address !== undefined && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

/**
 * An address as one client has it: an IPv4 address that came over IPv6 as IPv4, without brackets, port and zone.
 * Undefined for what is no address.
 */
export function plainAddress(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  const address = bare.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(address) === 0 ? undefined : address
}
