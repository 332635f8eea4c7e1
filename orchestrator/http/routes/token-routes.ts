import { Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { z } from 'zod'
import { tokenScopes } from '../../tokens/token.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'

const makeSchema = z.object({
  name: z.string().min(1).max(100),
  scopes: z.array(z.enum(tokenScopes)).min(1),
  expires: z.iso.datetime().optional(),
})

/** Tokens, by those who may do everything. A token's text is in the answer that made it, and nowhere else. */
export function tokenRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { tokens } = parts
  const admin = requireScope('admin', parts)
  const routes = new Hono<HttpEnv>()
  routes.get('/tokens', admin, doc('Tokens, without their texts'), async (context) =>
    context.json({ items: await tokens.list() }),
  )
  routes.post('/tokens', admin, doc('Makes a token'), checked('json', makeSchema), async (context) =>
    context.json(await tokens.make(context.req.valid('json')), 201),
  )
  routes.delete('/tokens/:token', admin, doc('Revokes a token'), async (context) => {
    const id = context.req.param('token')
    if (!(await tokens.revoke(id))) throw notFound('token', id)
    return context.json({ revoked: id })
  })
  return routes
}

function doc(summary: string) {
  return describeRoute({ summary, responses: { 200: { description: 'done' } } })
}
