import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { HttpEnv } from './auth.ts'
import { HttpError } from './http-error.ts'
import type { HttpParts } from './http-parts.ts'

/** Failures that an address has free, and how fast it gets them back. */
const burst = 30
const perSecond = 0.5
/** Addresses that are remembered; the oldest is forgotten first. */
const most = 10_000

type Bucket = { left: number; at: number }

/**
 * Slows down whoever guesses: an address whose requests were refused too often is answered 429 for a while. Requests
 * that are let through cost nothing.
 */
export function limitFailures({ now }: Pick<HttpParts, 'now'>) {
  const buckets = new Map<string, Bucket>()
  const refill = (bucket: Bucket): Bucket => {
    const at = now().getTime()
    return { at, left: Math.min(burst, bucket.left + ((at - bucket.at) / 1000) * perSecond) }
  }
  return createMiddleware<HttpEnv>(async (context, next) => {
    const address = addressOf(context)
    const bucket = refill(buckets.get(address) ?? { left: burst, at: now().getTime() })
    if (bucket.left < 1)
      throw new HttpError(429, 'too many refused requests from this address: wait a minute')
    await next()
    if (context.res.status !== 401 && context.res.status !== 403) return
    buckets.delete(address)
    buckets.set(address, { ...bucket, left: bucket.left - 1 })
    const [oldest] = buckets.keys()
    if (buckets.size > most && oldest !== undefined) buckets.delete(oldest)
  })
}

function addressOf(context: Context): string {
  try {
    return getConnInfo(context).remote.address ?? 'unknown'
  } catch {
    return 'in process'
  }
}
