import { BlockList, isIP } from 'node:net'
import fc from 'fast-check'
import { expect } from 'vitest'
import { readAbsoluteUrl, readAuthority } from '../../runner/egress/read-target.ts'
import { refuseAddress } from '../../runner/egress/refuse-address.ts'
import { fuzz } from './fuzz.ts'

const networks = ['203.0.113.0/24', '2606:4700:1::/48']

/** What must never be reached, by another reader of addresses than the rules': Node's own. */
const closed = new BlockList()
for (const [address, prefix] of [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.168.0.0', 16],
    ['224.0.0.0', 4],
    ['255.255.255.255', 32],
    ['203.0.113.0', 24],
  ] as const),
]) {
  closed.addSubnet(address, prefix, 'ipv4')
}
for (const [address, prefix] of [
  ...([
    ['::', 128],
    ['::1', 128],
    ['fe80::', 10],
    ['fec0::', 10],
    ['fc00::', 7],
    ['ff00::', 8],
  ] as const),
  ['2606:4700:1::', 48] as const,
]) {
  closed.addSubnet(address, prefix, 'ipv6')
}

const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 10, 127, 169, 172, 192, 224, 255))
const ipv4 = fc.tuple(byte, byte, byte, byte)
const dotted = (bytes: readonly number[]) => bytes.join('.')
const hex = ([a = 0, b = 0, c = 0, d = 0]: readonly number[]) =>
  [a * 256 + b, c * 256 + d].map((part) => part.toString(16)).join(':')
/** Other ways to write an IPv4 address that URLs take. */
const odd = fc
  .tuple(ipv4, fc.constantFrom('decimal', 'hex', 'octal', 'short', 'dot'))
  .map(([bytes, form]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes
    if (form === 'decimal') return String(((a * 256 + b) * 256 + c) * 256 + d)
    if (form === 'hex') return bytes.map((each) => `0x${each.toString(16)}`).join('.')
    if (form === 'octal') return bytes.map((each) => `0${each.toString(8)}`).join('.')
    if (form === 'short') return `${a}.${b}.${c * 256 + d}`
    return `${dotted(bytes)}.`
  })
const ipv6 = fc.oneof(
  fc.ipV6(),
  ipv4.map((bytes) => `::ffff:${dotted(bytes)}`),
  fc
    .tuple(ipv4, fc.constantFrom('::ffff:', '::ffff:0:', '64:ff9b::', '::', '2001:db8::5efe:', '64:ff9b:1::'))
    .map(([bytes, before]) => `${before}${hex(bytes)}`),
  ipv4.map((bytes) => `2002:${hex(bytes)}::1`),
  fc
    .tuple(fc.constantFrom('fe80', 'fc00', 'ff02', '2606:4700:1'), fc.nat(0xffff))
    .map(([before, last]) => `${before}::${last.toString(16)}`),
)

fuzz({
  target: 'egress-addresses',
  cases: fc.oneof(
    ipv4.map(dotted),
    ipv6,
    odd,
    fc.ipV6().map((text) => `${text}%eth0`),
    fc.string({ maxLength: 20 }),
  ),
  holds(text) {
    const family = isIP(text)
    const refused = refuseAddress(text, networks)
    if (family === 4 || (family === 6 && !text.includes('%'))) {
      if (closed.check(text, family === 4 ? 'ipv4' : 'ipv6')) expect(refused, text).toBeDefined()
      const inner = carried(text)
      if (inner !== undefined && closed.check(inner, 'ipv4')) expect(refused, text).toBeDefined()
    }
    const host = family === 6 ? `[${text}]` : text
    for (const target of [readAuthority(`${host}:443`), readAbsoluteUrl(`http://${host}/path?x#y`)]) {
      if (typeof target === 'string') {
        expect(target.length).toBeLessThan(2_000)
        continue
      }
      expect(target.host).not.toBe('')
      expect(target.port).toBeGreaterThan(0)
      // What looks like an address to anybody is the address that it means, so that it is judged as it.
      const bare = target.host.replace(/^\[|\]$/g, '')
      if (/^[\d.]+$/.test(bare)) expect(isIP(bare), text).toBe(4)
      if (family === 4) expect(bare).toBe(text)
    }
  },
})

/** The IPv4 address at the end of the forms that translators and kernels take it from. */
function carried(text: string): string | undefined {
  if (isIP(text) !== 6 || text.includes('%')) return undefined
  const long = new URL(`http://[${text}]/`).hostname.slice(1, -1)
  const tail = /^(?:::ffff:(?:0:)?|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(long)
  const sixToFour = /^2002:([0-9a-f]{1,4}):([0-9a-f]{1,4}):/.exec(long)
  const [, high, low] = tail ?? sixToFour ?? []
  if (high === undefined || low === undefined) return undefined
  const number = Number.parseInt(high, 16) * 65_536 + Number.parseInt(low, 16)
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
}
