import { createMiddleware } from 'hono/factory'
import type { HttpEnv } from './auth.ts'
import { clientAddress } from './client-address.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'
import { trustedProxies } from './trusted-proxies.ts'

/** Failures that an address has free, and how fast it gets them back. */
const burst = 30
const perSecond = 0.5
/** Addresses that are remembered; the oldest is forgotten first. */
const most = 10_000

type Bucket = { left: number; at: number }

/**
 * Slows down whoever guesses: an address whose requests were refused too often is answered 429 for a while. Requests
 * that are let through cost nothing. Behind a trusted proxy it is the client's address that counts.
 */
export function limitFailures({
  now,
  trustedProxies: proxies = [],
}: Pick<HttpParts, 'now' | 'trustedProxies'>) {
  const isTrusted = trustedProxies(proxies)
  const buckets = new Map<string, Bucket>()
  const refilled = (address: string): Bucket => {
    const at = now().getTime()
    const bucket = buckets.get(address) ?? { left: burst, at }
    return { at, left: Math.min(burst, bucket.left + ((at - bucket.at) / 1000) * perSecond) }
  }
  return createMiddleware<HttpEnv>(async (context, next) => {
    const address = clientAddress(context, isTrusted) ?? 'in process'
    if (refilled(address).left < 1)
      throw new HttpError(429, 'too many refused requests from this address: wait a minute')
    await next()
    if (context.res.status !== 401 && context.res.status !== 403) return
    // Read again: many may have been refused meanwhile.
    const bucket = refilled(address)
    buckets.delete(address)
    buckets.set(address, { ...bucket, left: bucket.left - 1 })
    const [oldest] = buckets.keys()
    if (buckets.size > most && oldest !== undefined) buckets.delete(oldest)
  })
}
