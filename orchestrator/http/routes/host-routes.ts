import { Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { type HttpEnv, requireScope } from '../auth.ts'
import type { HttpParts } from '../http-parts.ts'

/** The line, the hosts and their images. */
export function hostRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { queue, shelf } = parts
  const routes = new Hono<HttpEnv>()
  const read = requireScope('read', parts)
  routes.get('/queue', read, doc('Waiting jobs, each with why it waits'), async (context) =>
    context.json({ items: await queue.waiting(500) }),
  )
  routes.get('/hosts', read, doc('Hosts with what they have and what is taken'), async (context) =>
    context.json({ items: await queue.hosts() }),
  )
  routes.get('/images', read, doc('Images, here or not'), async (context) =>
    context.json({ items: await shelf.list() }),
  )
  return routes
}

function doc(summary: string) {
  return describeRoute({ summary, responses: { 200: { description: 'done' } } })
}
