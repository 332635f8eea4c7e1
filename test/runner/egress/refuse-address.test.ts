import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostNetworks } from '../../../runner/egress/host-networks.ts'
import { refuseAddress } from '../../../runner/egress/refuse-address.ts'

const networks = ['192.0.2.2/24', 'fd00::2/64', '2001:db8:7::5/64', '8.8.4.4/32']

describe('refuseAddress', () => {
  it.each([
    ['127.0.0.1', /loopback/],
    ['127.255.0.9', /loopback/],
    ['0.0.0.0', /unspecified/],
    ['0.1.2.3', /unspecified/],
    ['10.0.2.2', /private/],
    ['172.31.255.255', /private/],
    ['192.168.1.1', /private/],
    ['169.254.169.254', /link-local/],
    ['100.64.0.1', /carrier-grade/],
    ['224.0.0.1', /multicast/],
    ['255.255.255.255', /broadcast/],
    ['::', /unspecified/],
    ['::1', /loopback/],
    ['fe80::1', /link-local/],
    ['fec0::1', /site-local/],
    ['fc00::1', /unique local/],
    ['ff02::1', /multicast/],
    ['::ffff:127.0.0.1', /mapped form of 127.0.0.1, a loopback/],
    ['::ffff:a00:202', /10.0.2.2, a private/],
    ['::7f00:1', /compatible form/],
    ['::ffff:0:10.0.0.1', /translated form/],
    ['64:ff9b::7f00:1', /NAT64 form of 127.0.0.1/],
    ['64:ff9b:1::a00:1', /NAT64/],
    ['2002:7f00:1::', /6to4 form of 127.0.0.1/],
    ['2001:0:808:808::80ff:fffe', /Teredo form of 127.0.0.1/],
    ['2001:0:a00:1::f7f7:f7f7', /Teredo server of 10.0.0.1/],
    ['2001:db8:9::5efe:a00:1', /ISATAP form of 10.0.0.1/],
    ['::ffff:192.0.2.9', /192.0.2.2\/24, a network that this host/],
    ['fe80::1%eth0', /no plain IP/],
    ['not an address', /no plain IP/],
    ['', /no plain IP/],
  ])('refuses %s', (address, reason) => {
    expect(refuseAddress(address, networks)).toMatch(reason)
  })

  it.each([
    ['192.0.2.2', /this host's own/],
    ['192.0.2.77', /attached/],
    ['8.8.4.4', /this host's own/],
    ['2001:db8:7::5', /this host's own/],
    ['2001:db8:7::99', /2001:db8:7::5\/64/],
  ])('refuses %s, which this host is or is attached to', (address, reason) => {
    expect(refuseAddress(address, networks)).toMatch(reason)
  })

  it.each([
    '8.8.8.8',
    '8.8.4.5',
    '203.0.113.7',
    '198.51.100.7',
    '198.18.0.1',
    '192.0.3.1',
    '172.32.0.1',
    '2606:4700::1',
    '2001:db8:8::1',
    '64:ff9b::808:808',
    '::ffff:8.8.8.8',
    '2002:808:808::1',
    '2001:0:808:808::f7f7:f7f7',
  ])('lets %s be reached', (address) => {
    expect(refuseAddress(address, networks)).toBeUndefined()
  })

  it('judges an IPv4 address the same in each form that wraps it', () => {
    fc.assert(
      fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), ([a, b, c, d]) => {
        const plain = refuseAddress(`${a}.${b}.${c}.${d}`, networks) !== undefined
        const hex = [a * 256 + b, c * 256 + d].map((part) => part.toString(16)).join(':')
        const flipped = [a * 256 + b, c * 256 + d].map((part) => (part ^ 0xffff).toString(16)).join(':')
        for (const wrapped of [
          `::ffff:${hex}`,
          `::ffff:0:${hex}`,
          `64:ff9b::${hex}`,
          `2002:${hex}::1`,
          `2001:0:808:808::${flipped}`,
        ]) {
          expect(refuseAddress(wrapped, networks) !== undefined, wrapped).toBe(plain)
        }
      }),
    )
  })

  it('refuses every address of this very host', () => {
    const own = hostNetworks()
    expect(own).toContain('127.0.0.1/8')
    for (const network of own) expect(refuseAddress(network.split('/')[0] as string, own)).toBeDefined()
  })
})
