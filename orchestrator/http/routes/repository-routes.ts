import { Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { z } from 'zod'
import { bounds } from '../../../config/defaults.ts'
import { notifyOn } from '../../../config/host/repository-entry-schema.ts'
import { forgeNames } from '../../model/forge-name.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { definedOnly } from '../defined-only.ts'
import { notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'

const limitsSchema = z.object({
  running: z.number().int().min(1).optional(),
  weight: z.number().int().min(1).max(bounds.weight).optional(),
  queued: z.number().int().min(1).optional(),
  matrix: z.number().int().min(1).optional(),
})

const changeable = {
  apiUrl: z.string().max(2000).optional(),
  pipelineFile: z.string().max(500).optional(),
  images: z.array(z.string()).optional(),
  network: z
    .object({
      allow: z.array(z.string().max(300)).max(1000).optional(),
      deny: z.array(z.string().max(300)).max(1000).default([]),
      audit: z.boolean().default(false),
    })
    .optional(),
  limits: limitsSchema.optional(),
  defaultBranch: z.string().max(200).optional(),
  submodules: z.boolean().optional(),
  lfs: z.boolean().optional(),
  schedules: z
    .array(z.object({ cron: z.string().max(100), branch: z.string().max(200) }))
    .max(100)
    .optional(),
  notify: z.array(z.object({ url: z.string().max(2000), on: notifyOn().default(['ended']) })).optional(),
}

const registerSchema = z.object({
  forge: z.enum(forgeNames),
  name: z.string().min(1).max(200),
  cloneUrl: z.string().min(1).max(2000),
  ...changeable,
  secrets: z
    .object({
      webhook: z.string().optional(),
      token: z.string().optional(),
      clone: z.string().optional(),
      notification: z.string().optional(),
    })
    .optional(),
})

const changeSchema = z.strictObject({ cloneUrl: z.string().min(1).max(2000).optional(), ...changeable })

const secretSchema = z.object({ value: z.string().min(1).max(100_000) })

/** Repositories and secrets, by those who may do everything. No value of a secret ever comes back. */
export function repositoryRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { repositories, vault } = parts
  const routes = new Hono<HttpEnv>()
  const read = requireScope('read', parts)
  const admin = requireScope('admin', parts)

  routes.get('/repositories', read, doc('Registered repositories'), async (context) =>
    context.json({ items: await repositories.list() }),
  )
  routes.post(
    '/repositories',
    admin,
    doc('Registers a repository'),
    checked('json', registerSchema),
    async (context) => {
      const { limits = {}, ...registration } = context.req.valid('json')
      const added = await repositories.add({ ...registration, limits: definedOnly(limits) })
      return context.json(
        { ...added, webhookUrl: `${parts.publicUrl}/webhooks/${added.repository.forge}` },
        201,
      )
    },
  )
  routes.patch(
    '/repositories/:key{.+}',
    admin,
    doc('Changes what is given of a repository'),
    checked('json', changeSchema),
    async (context) => {
      const key = context.req.param('key')
      const changed = await repositories.change(key, context.req.valid('json'))
      if (changed === undefined) throw notFound('repository', key)
      return context.json(changed)
    },
  )
  routes.delete(
    '/repositories/:key{.+}',
    admin,
    doc('Forgets a repository and its secrets'),
    async (context) => {
      const key = context.req.param('key')
      if (!(await repositories.remove(key))) throw notFound('repository', key)
      return context.json({ removed: key })
    },
  )

  routes.get('/secrets/:scope', admin, doc('Names of secrets'), async (context) =>
    context.json({ items: await vault.names(context.req.param('scope')) }),
  )
  routes.put(
    '/secrets/:scope/:name',
    admin,
    doc('Sets a secret'),
    checked('json', secretSchema),
    async (context) => {
      const { scope, name } = context.req.param()
      await vault.set(scope, name, context.req.valid('json').value)
      return context.json({ set: name })
    },
  )
  routes.delete('/secrets/:scope/:name', admin, doc('Removes a secret'), async (context) => {
    const { scope, name } = context.req.param()
    if (!(await vault.remove(scope, name))) throw notFound('secret', name)
    return context.json({ removed: name })
  })
  return routes
}

function doc(summary: string) {
  return describeRoute({ summary, responses: { 200: { description: 'done' } } })
}
