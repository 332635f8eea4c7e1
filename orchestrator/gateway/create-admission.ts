import ipaddr from 'ipaddr.js'
import type { GatewayLimits } from './gateway-limits.ts'

type Bucket = { left: number; at: number; open: number; dry: boolean }

export type Admission = {
  /** What to say to a connection from this address that is not let in; undefined lets it in, until `leave`. */
  enter(address: string): { readonly why: string; readonly isFirst: boolean } | undefined
  leave(address: string): void
  /** Gives back what a connection has spent that logged in. */
  refund(address: string): void
}

/** Addresses without a connection that are remembered; the one heard of longest ago is forgotten first. */
const most = 10_000

type Limits = Pick<GatewayLimits, 'connections' | 'connectionsPerAddress' | 'loginsPerAddress'>

/**
 * Decides about a connection from nothing but its address, before any byte was read or any key was computed with.
 * Memory is bounded, whatever number of addresses comes.
 */
export function createAdmission(limits: Limits, now = () => performance.now()): Admission {
  const { burst, perSecond } = limits.loginsPerAddress
  const buckets = new Map<string, Bucket>()
  let open = 0

  /** Moves the address to the end of the line of those that are forgotten. */
  const bucketOf = (address: string): Bucket => {
    const name = networkOf(address)
    const at = now()
    const before = buckets.get(name) ?? { left: burst, at, open: 0, dry: false }
    const bucket = {
      ...before,
      at,
      left: Math.min(burst, before.left + ((at - before.at) / 1000) * perSecond),
    }
    buckets.delete(name)
    buckets.set(name, bucket)
    forgetOldest(buckets)
    return bucket
  }

  const refusal = (bucket: Bucket): string | undefined => {
    if (bucket.left < 1) return 'too many connections without a login from this address: wait a minute'
    if (open >= limits.connections) return `all ${limits.connections} connections of this gateway are taken`
    if (bucket.open >= limits.connectionsPerAddress)
      return `this address has ${bucket.open} connections already`
    return undefined
  }

  return {
    enter(address) {
      const bucket = bucketOf(address)
      const why = refusal(bucket)
      const isFirst = !bucket.dry
      bucket.dry = why !== undefined
      if (why !== undefined) return { why, isFirst }
      bucket.left -= 1
      bucket.open += 1
      open += 1
      return undefined
    },
    leave(address) {
      bucketOf(address).open -= 1
      open -= 1
    },
    refund(address) {
      const bucket = bucketOf(address)
      bucket.left = Math.min(burst, bucket.left + 1)
    },
  }
}

// One with open connections is kept: `connections` bounds how many those are.
function forgetOldest(buckets: Map<string, Bucket>): void {
  if (buckets.size <= most) return
  for (const [name, bucket] of buckets) {
    if (bucket.open > 0) continue
    buckets.delete(name)
    return
  }
}

/** An IPv6 user has a whole /64 to come from. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return parsed
    .toByteArray()
    .slice(0, 8)
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('')
}
