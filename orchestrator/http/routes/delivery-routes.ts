import { Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { z } from 'zod'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { pageQuery } from '../schemas/build-schemas.ts'

const verdicts = ['accepted', 'built', 'ignored', 'duplicate', 'refused', 'failed'] as const

const deliveryQuery = pageQuery.extend({
  repository: z.string().max(300).optional(),
  verdict: z.enum(verdicts).optional(),
})

/** Webhook calls with the verdict on each and the reasons for it; replayed, and tried without effect. */
export function deliveryRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { store, deliveries } = parts
  const routes = new Hono<HttpEnv>()
  const read = requireScope('read', parts)

  routes.get(
    '/deliveries',
    read,
    doc('Deliveries, the newest first'),
    checked('query', deliveryQuery),
    async (context) => {
      const { limit, cursor, repository, verdict } = context.req.valid('query')
      const filter = {
        ...(repository === undefined ? {} : { repository }),
        ...(verdict === undefined ? {} : { verdict }),
      }
      return context.json(await store.deliveries.list(filter, { limit, cursor }))
    },
  )

  routes.get('/deliveries/:delivery', read, doc('A delivery'), async (context) => {
    const delivery = await store.deliveries.get(context.req.param('delivery'))
    if (delivery === undefined) throw notFound('delivery', context.req.param('delivery'))
    return context.json(delivery)
  })

  routes.get(
    '/deliveries/:delivery/explain',
    read,
    doc('What the delivery would do now, without doing it'),
    async (context) => {
      const explained = await deliveries.explain(context.req.param('delivery'))
      if (explained === undefined) throw notFound('delivery', context.req.param('delivery'))
      return context.json(explained)
    },
  )

  routes.post(
    '/deliveries/:delivery/replay',
    requireScope('submit', parts),
    doc('Works on a delivery again, as a new one'),
    async (context) => {
      const replayed = await deliveries.replay(context.req.param('delivery'), context.get('caller').name)
      if (replayed === undefined) throw notFound('delivery', context.req.param('delivery'))
      return context.json(replayed, 201)
    },
  )
  return routes
}

function doc(summary: string) {
  return describeRoute({ summary, responses: { 200: { description: 'done' } } })
}
