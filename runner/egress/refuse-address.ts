import ipaddr from 'ipaddr.js'

type Address = ipaddr.IPv4 | ipaddr.IPv6

/** What a job must not reach, by the names that ipaddr.js gives the ranges of the IANA registries. */
const closedRanges: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified address',
  broadcast: 'the broadcast address',
  multicast: 'a multicast address',
  linkLocal: 'a link-local address',
  loopback: 'a loopback address',
  carrierGradeNat: 'a carrier-grade NAT address',
  private: 'a private address',
  uniqueLocal: 'a unique local address',
  deprecatedSiteLocal: 'a site-local address',
  discard: 'a discard address',
}

/**
 * Why a job must not reach an address; undefined if it may. `hostNetworks` are the networks that this host is
 * attached to, as `address/prefix`. An IPv6 address that carries an IPv4 address is judged as that too.
 * Ranges that are merely reserved, the documentation ones among them, are open: nothing of the host's is there.
 */
export function refuseAddress(text: string, hostNetworks: readonly string[]): string | undefined {
  if (!ipaddr.isValid(text) || text.includes('%')) return 'no plain IP address'
  return refuse(ipaddr.parse(text), hostNetworks)
}

function refuse(address: Address, hostNetworks: readonly string[]): string | undefined {
  const closed = closedRanges[address.range()]
  if (closed !== undefined) return closed
  for (const network of hostNetworks) {
    const [base, prefix] = ipaddr.parseCIDR(network)
    if (base.kind() !== address.kind()) continue
    if (base.toString() === address.toString()) return "one of this host's own addresses"
    if (address.match(base, prefix)) return `in ${network}, a network that this host is attached to`
  }
  for (const { form, inner } of embedded(address)) {
    const reason = refuse(inner, hostNetworks)
    if (reason !== undefined) return `${form} of ${inner.toString()}, ${reason}`
  }
  return undefined
}

/** The IPv4 addresses that a translator, a tunnel or the kernel would take out of an IPv6 address. */
function embedded(address: Address): { form: string; inner: ipaddr.IPv4 }[] {
  if (address.kind() === 'ipv4') return []
  const bytes = address.toByteArray()
  const at = (offset: number, flip = 0) =>
    new ipaddr.IPv4(bytes.slice(offset, offset + 4).map((byte) => byte ^ flip))
  const range = address.range()
  if (range === 'ipv4Mapped') return [{ form: 'the mapped form', inner: at(12) }]
  if (range === 'rfc6145') return [{ form: 'the translated form', inner: at(12) }]
  if (range === '6to4') return [{ form: 'the 6to4 form', inner: at(2) }]
  if (range === 'teredo') {
    return [
      { form: 'the Teredo form', inner: at(12, 0xff) },
      { form: 'the Teredo server', inner: at(4) },
    ]
  }
  if (range === 'rfc6052') return nat64(bytes, at)
  if (bytes.slice(0, 12).every((byte) => byte === 0)) return [{ form: 'the compatible form', inner: at(12) }]
  const isIsatap =
    bytes[10] === 0x5e && bytes[11] === 0xfe && ((bytes[8] as number) & 0xfd) === 0 && bytes[9] === 0
  return isIsatap ? [{ form: 'the ISATAP form', inner: at(12) }] : []
}

/** RFC 6052, 2.2: 64:ff9b::/96 has it at the end; within 64:ff9b:1::/48 the site chooses one of four places. */
function nat64(bytes: number[], at: (offset: number) => ipaddr.IPv4): { form: string; inner: ipaddr.IPv4 }[] {
  const form = 'the NAT64 form'
  if (bytes[5] === 0) return [{ form, inner: at(12) }]
  const split = (offsets: number[]) => new ipaddr.IPv4(offsets.map((offset) => bytes[offset] as number))
  return [
    { form, inner: split([6, 7, 9, 10]) },
    { form, inner: split([7, 9, 10, 11]) },
    { form, inner: split([9, 10, 11, 12]) },
    { form, inner: at(12) },
  ]
}
