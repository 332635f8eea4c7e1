import { Hono } from 'hono'
import { describeRoute, resolver } from 'hono-openapi'
import { z } from 'zod'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { absent } from '../gone.ts'
import type { HttpParts } from '../http-parts.ts'
import { retryWithDebug } from '../retry-with-debug.ts'
import { buildWithJobsSchema } from '../schemas/build-schemas.ts'
import { mayEnterSchema } from '../schemas/opt-in-schema.ts'
import { showBuild, showJob } from '../schemas/show-build.ts'

const retrySchema = z.object({
  debug: mayEnterSchema
    .optional()
    .describe(
      'hold its machine where it fails, for these alone, or with none for those whom its repository is opted in with; scope debug',
    ),
})

const answerSchema = buildWithJobsSchema.extend({
  problems: z.array(z.string()).describe('keys of the users that cannot be used'),
})

/** One job once more, and its machine opened to maintainers where that is asked for. */
export function retryRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { store, builds, publicUrl } = parts
  const debug = requireScope('debug', parts)
  const routes = new Hono<HttpEnv>()
  routes.post(
    '/jobs/:job/retry',
    requireScope('submit', parts),
    describeRoute({
      summary: 'Runs a job again, with those that were skipped for it',
      responses: {
        200: { description: 'done', content: { 'application/json': { schema: resolver(answerSchema) } } },
      },
    }),
    checked('json', retrySchema),
    async (context) => {
      const id = context.req.param('job')
      const by = context.get('caller').name
      const { debug: mayEnter } = context.req.valid('json')
      if (mayEnter !== undefined) await debug(context, async () => undefined)
      const { build, problems } =
        mayEnter === undefined
          ? { build: await builds.retryJob(id, by, undefined), problems: [] }
          : await retryWithDebug({ parts, id, by, mayEnter })
      if (build === undefined) throw await absent({ store, what: 'job', id })
      const jobs = (await store.jobs.ofBuild(build.id)).map((job) => showJob(job, publicUrl))
      return context.json({ ...showBuild(build, publicUrl), jobs, problems: [...problems] })
    },
  )
  return routes
}
