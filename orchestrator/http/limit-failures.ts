import { createMiddleware } from 'hono/factory'
import type { HttpEnv } from './auth.ts'
import { clientAddress } from './client-address.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'
import { createTokenBuckets } from './token-buckets.ts'
import { trustedProxies } from './trusted-proxies.ts'

/** Failures that an address has free, and how fast it gets them back. */
const burst = 30
const perSecond = 0.5

/**
 * Slows down whoever guesses: an address whose requests were refused too often is answered 429 for a while. Requests
 * that are let through cost nothing. Behind a trusted proxy it is the client's address that counts.
 */
export function limitFailures({
  trustedProxies: proxies = [],
  monotonic = () => performance.now(),
}: Pick<HttpParts, 'trustedProxies' | 'monotonic'>) {
  const isTrusted = trustedProxies(proxies)
  const buckets = createTokenBuckets({ burst, perSecond, monotonic })
  return createMiddleware<HttpEnv>(async (context, next) => {
    const address = clientAddress(context, isTrusted) ?? 'in process'
    if (buckets.left(address) < 1)
      throw new HttpError(429, 'too many refused requests from this address: wait a minute')
    await next()
    if (context.res.status === 401 || context.res.status === 403) buckets.take(address)
  })
}
