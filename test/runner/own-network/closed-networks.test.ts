import ipaddr from 'ipaddr.js'
import { describe, expect, it } from 'vitest'
import { refuseAddress } from '../../../runner/egress/refuse-address.ts'
import { closedNetworks, neverPublic } from '../../../runner/own-network/closed-networks.ts'

describe('the networks that are never public', () => {
  it.each(neverPublic)('%s is refused by the proxy too, from its first address to its last', (network) => {
    expect(refuseAddress(ipaddr.IPv4.networkAddressFromCIDR(network).toString(), [])).toBeDefined()
    expect(refuseAddress(ipaddr.IPv4.broadcastAddressFromCIDR(network).toString(), [])).toBeDefined()
  })

  it('leave nothing out that the proxy refuses, and take nothing that it lets pass', () => {
    const networks = neverPublic.map((network) => ipaddr.IPv4.parseCIDR(network))
    // Each second octet of each first one, which is as fine as any of the networks.
    for (let number = 0; number < 65_536; number++) {
      const address = new ipaddr.IPv4([number >> 8, number & 255, 7, 9])
      const isClosed = networks.some(([base, prefix]) => address.match(base, prefix))
      expect([address.toString(), isClosed]).toEqual([
        address.toString(),
        refuseAddress(address.toString(), []) !== undefined,
      ])
    }
  })
})

describe('the networks of the host', () => {
  it('are closed whole and by the address itself, without host bits, once', () => {
    const closed = closedNetworks(['203.0.113.5/24', '203.0.113.6/24', '2001:db8::1/64', '::1/128'])
    expect(closed.slice(neverPublic.length)).toEqual(['203.0.113.0/24', '203.0.113.5/32', '203.0.113.6/32'])
  })

  it('that are all there is close nothing but the own address', () => {
    expect(closedNetworks(['203.0.113.5/0']).slice(neverPublic.length)).toEqual(['203.0.113.5/32'])
  })
})
