import ipaddr from 'ipaddr.js'

/** IPv4 networks in which nothing is public: what `refuseAddress` closes to the proxy, as routes can say it. */
export const neverPublic: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '224.0.0.0/4',
  '255.255.255.255/32',
]

/**
 * The IPv4 networks that a machine in a network of its own must not reach, as `address/prefix` without host bits:
 * those that are never public, and those of this host, given as `hostNetworks` gives them.
 */
export function closedNetworks(hostNetworks: readonly string[]): string[] {
  const own = hostNetworks.filter((network) => ipaddr.IPv4.isValidCIDR(network))
  const whole = own.map((network) => {
    const [, prefix] = ipaddr.IPv4.parseCIDR(network)
    return `${ipaddr.IPv4.networkAddressFromCIDR(network).toString()}/${prefix}`
  })
  // A network that is everything is the way out itself, as some tunnels are written.
  const within = whole.filter((network) => !network.endsWith('/0'))
  return [...new Set([...neverPublic, ...within, ...own.map((network) => `${network.split('/')[0]}/32`)])]
}
