import { Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { z } from 'zod'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import type { HttpParts } from '../http-parts.ts'

const cordonSchema = z.object({
  why: z
    .string()
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{0,200}$/u, { error: 'expected one line of at most 200 characters' })
    .optional(),
})

const mostMs = 7 * 24 * 60 * 60_000

const drainSchema = cordonSchema.extend({
  ms: z
    .int()
    .min(0)
    .max(mostMs)
    .optional()
    .describe('milliseconds that jobs have to end; without it, all they need'),
})

/** The line, the hosts and their images. */
export function hostRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { queue, shelf, fleet } = parts
  const routes = new Hono<HttpEnv>()
  const read = requireScope('read', parts)
  const admin = requireScope('admin', parts)
  routes.get('/queue', read, doc('Waiting jobs, each with why it waits'), async (context) =>
    context.json({ items: await queue.waiting(500) }),
  )
  routes.get('/hosts', read, doc('Hosts with what they have and what is taken'), async (context) =>
    context.json({ items: await queue.hosts() }),
  )
  routes.get(
    '/hosts/:host',
    read,
    doc('A host, by what it is called or by the name of a process there'),
    async (context) => context.json(await fleet.show(context.req.param('host'))),
  )
  routes.post(
    '/hosts/:host/cordon',
    admin,
    doc('It takes nothing new, over any restart; what runs there goes on'),
    checked('json', cordonSchema),
    async (context) =>
      context.json(
        await fleet.cordon(context.req.param('host'), {
          ...{ by: context.get('caller').name, why: context.req.valid('json').why },
        }),
      ),
  )
  routes.post('/hosts/:host/uncordon', admin, doc('It takes jobs again'), async (context) =>
    context.json(await fleet.uncordon(context.req.param('host'), { by: context.get('caller').name })),
  )
  routes.post(
    '/hosts/:host/drain',
    admin,
    doc('A cordon; what still runs after a time is put back in line'),
    checked('json', drainSchema),
    async (context) => {
      const { why, ms } = context.req.valid('json')
      const by = context.get('caller').name
      return context.json(await fleet.drain(context.req.param('host'), { by, why, ms }))
    },
  )
  routes.delete(
    '/hosts/:host',
    admin,
    doc('Takes a silent host off the list and ends its jobs as lost'),
    async (context) =>
      context.json(await fleet.remove(context.req.param('host'), { by: context.get('caller').name })),
  )
  routes.get('/images', read, doc('Images, here or not'), async (context) =>
    context.json({ items: await shelf.list() }),
  )
  return routes
}

function doc(summary: string) {
  return describeRoute({ summary, responses: { 200: { description: 'done' } } })
}
