import { Hono } from 'hono'
import { describeRoute, resolver } from 'hono-openapi'
import { type Deleted, deleteBuild, deleteJob } from '../../builds/delete-build.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { HttpError, notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { errorSchema } from '../schemas/build-schemas.ts'

/** Forgetting what has ended. What runs is never ended by it: that is what cancelling and killing are for. */
export function deleteRoutes(parts: HttpParts): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>()
  const admin = requireScope('admin', parts)
  routes.delete('/builds/:build', admin, doc('a build with its jobs'), async (context) => {
    const id = context.req.param('build')
    check('build', id, await deleteBuild(parts, id))
    return context.body(null, 204)
  })
  routes.delete('/jobs/:job', admin, doc('a job of a build that has ended'), async (context) => {
    const id = context.req.param('job')
    check('job', id, await deleteJob(parts, id))
    return context.body(null, 204)
  })
  return routes
}

function check(what: 'build' | 'job', id: string, deleted: Deleted): void {
  if (deleted === undefined) throw notFound(what, id)
  if (deleted === 'running')
    throw new HttpError(409, `expected a ${what} whose build has ended, got one that has not: it goes on`, {
      hint: `cancel it first: POST /api/v1/${what}s/${id}/cancel`,
    })
}

function doc(what: string) {
  const error = { 'application/json': { schema: resolver(errorSchema) } }
  return describeRoute({
    summary: `Deletes ${what}: records, logs and artifacts`,
    responses: {
      204: { description: 'gone' },
      404: { description: 'nothing of that name', content: error },
      409: { description: 'it has not ended; nothing was touched', content: error },
    },
  })
}
