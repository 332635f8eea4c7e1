import { createMiddleware } from 'hono/factory'
import { type HttpEnv, localToken } from './auth.ts'
import { clientAddress } from './client-address.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'
import { createTokenBuckets } from './token-buckets.ts'
import { trustedProxies } from './trusted-proxies.ts'

/**
 * Bounds what one token asks for in a minute, or one address without a token: `limits.requests`, of which a minute's worth
 * may come at once. After `authenticate`. Whoever is on this computer while there are no tokens has no bound.
 */
export function limitRequests(parts: Pick<HttpParts, 'limits' | 'metrics' | 'trustedProxies' | 'monotonic'>) {
  const { limits, metrics, trustedProxies: proxies = [], monotonic = () => performance.now() } = parts
  const isTrusted = trustedProxies(proxies)
  const most = limits?.requests ?? Number.POSITIVE_INFINITY
  const buckets = createTokenBuckets({ burst: most, perSecond: most / 60, monotonic })
  return createMiddleware<HttpEnv>(async (context, next) => {
    const { token } = context.get('caller')
    if (token === localToken || most === Number.POSITIVE_INFINITY) return await next()
    const key = token === '' ? (clientAddress(context, isTrusted) ?? 'in process') : `token ${token}`
    if (buckets.left(key) < 1) {
      metrics.limits.inc({ limit: 'limits.requests' })
      throw new HttpError(429, `expected at most ${most} requests a minute, got more`, {
        hint: 'wait as long as Retry-After says, or have limits.requests raised in the host file',
        retryAfter: Math.ceil(buckets.wait(key) / 1000),
      })
    }
    buckets.take(key)
    return await next()
  })
}
