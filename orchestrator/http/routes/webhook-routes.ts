import { Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { forgeNames } from '../../model/forge-name.ts'
import type { HttpEnv } from '../auth.ts'
import { HttpError } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { readBody } from '../read-body.ts'
import { remoteAddress } from '../remote-address.ts'

/** GitHub's own bound; what is larger no forge sends. */
const mostBytes = 25 * 1024 * 1024

/** Where forges call. No token: the signature over the raw body is the only thing that counts. */
export function webhookRoutes({ deliveries, metrics }: HttpParts): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>()
  for (const forge of forgeNames) {
    routes.post(
      `/${forge}`,
      describeRoute({
        summary: `Webhooks of ${forge}`,
        responses: { 202: { description: 'recorded; the work follows' } },
      }),
      async (context) => {
        const rawBody = await readBody(context.req.raw, mostBytes)
        if (rawBody === undefined) {
          metrics.deliveries.inc({ forge, verdict: 'refused' })
          throw new HttpError(413, `expected a body of at most ${mostBytes} bytes, got more`)
        }
        const headers = Object.fromEntries(context.req.raw.headers)
        const { status, body } = await deliveries.receive({
          forge,
          headers,
          rawBody,
          remote: remoteAddress(context) ?? 'unknown',
        })
        metrics.deliveries.inc({ forge, verdict: String(body.verdict ?? 'refused') })
        return context.json(body, status as 200)
      },
    )
  }
  return routes
}
