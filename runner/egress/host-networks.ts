import { networkInterfaces } from 'node:os'

/** The networks of this host's interfaces as `address/prefix`, read anew each time: a VPN can come up later. */
export function hostNetworks(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).flatMap(({ cidr }) => (cidr === null ? [] : [cidr])),
  )
}
