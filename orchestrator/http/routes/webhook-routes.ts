import { type Context, Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { forgeNames } from '../../model/forge-name.ts'
import type { HttpEnv } from '../auth.ts'
import { clientAddress } from '../client-address.ts'
import { HttpError } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { nodeRequest } from '../node-request.ts'
import { readBody } from '../read-body.ts'
import { trustedProxies } from '../trusted-proxies.ts'

/** GitHub's own bound; what is larger no forge sends. */
const mostBytes = 25 * 1024 * 1024

/** Where forges call. No token: the signature over the raw body is the only thing that counts. */
export function webhookRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { deliveries, metrics } = parts
  const isTrusted = trustedProxies(parts.trustedProxies ?? [])
  const routes = new Hono<HttpEnv>()
  for (const forge of forgeNames) {
    routes.post(
      `/${forge}`,
      describeRoute({
        summary: `Webhooks of ${forge}`,
        responses: { 202: { description: 'recorded; the work follows' } },
      }),
      async (context) => {
        const rawBody = await readBody(context, mostBytes)
        if (rawBody === undefined) {
          metrics.deliveries.inc({ forge, verdict: 'refused' })
          throw new HttpError(413, `expected a body of at most ${mostBytes} bytes, got more`)
        }
        const { status, body } = await deliveries.receive({
          forge,
          headers: headersOf(context),
          rawBody,
          remote: clientAddress(context, isTrusted) ?? 'unknown',
        })
        metrics.deliveries.inc({ forge, verdict: String(body.verdict ?? 'refused') })
        return context.json(body, status as 200)
      },
    )
  }
  return routes
}

/** Names in lower case; `Set-Cookie`, which alone may stand there more than once, is nothing that a forge sends. */
function headersOf(context: Context): Record<string, string> {
  const headers = nodeRequest(context)?.headers ?? Object.fromEntries(context.req.raw.headers)
  const texts = Object.entries(headers).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.fromEntries(texts)
}
