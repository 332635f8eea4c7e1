import type { Context } from 'hono'
import { remoteAddress } from './remote-address.ts'
import { plainAddress, type TrustedProxies } from './trusted-proxies.ts'

/** More hops than any chain of proxies has; what stands before them is not read. */
const mostHops = 32

/**
 * Address of the client that a request is from. From a trusted proxy it is the rightmost address of X-Forwarded-For,
 * or of Forwarded (RFC 7239), that is no trusted proxy itself: what stands further left, the client may have written.
 * From anybody else it is the peer's own, whatever the headers say. Undefined for a request made in this process.
 */
export function clientAddress(context: Context, isTrusted: TrustedProxies): string | undefined {
  const peer = remoteAddress(context)
  if (peer === undefined || !isTrusted(peer)) return peer
  const chains = [
    listed(context.req.header('x-forwarded-for')),
    forwardedFor(context.req.header('forwarded')),
  ]
  const told = chains.filter((hops) => hops.length > 0).map((hops) => rightmost(hops, isTrusted) ?? peer)
  // A proxy that writes one of the two passes the other on as the client wrote it: where they differ, neither counts.
  return new Set(told).size === 1 ? told[0] : peer
}

/** The address that the last trusted hop saw, or undefined where it wrote none. */
function rightmost(hops: readonly string[], isTrusted: TrustedProxies): string | undefined {
  let nearest: string | undefined
  for (const hop of hops.slice(-mostHops).reverse()) {
    const address = plainAddress(hop)
    // `unknown` or a made-up name: who is behind it cannot be told.
    if (address === undefined) return nearest
    if (!isTrusted(address)) return address
    nearest = address
  }
  return nearest
}

function listed(header: string | undefined): string[] {
  return header === undefined ? [] : header.split(',').map((part) => part.trim())
}

/** The `for` of each element; an element without one is a hop that says nothing. */
function forwardedFor(header: string | undefined): string[] {
  const elements = header?.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
  return elements.map((element) => {
    const value = /(?:^|;)\s*for\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s]*)/i.exec(element)?.[1] ?? ''
    return value.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1')
  })
}
