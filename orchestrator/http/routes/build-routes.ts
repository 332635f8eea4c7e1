import { Hono } from 'hono'
import { describeRoute, resolver } from 'hono-openapi'
import type { ZodType } from 'zod'
import type { Trigger } from '../../model/trigger.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { definedOnly } from '../defined-only.ts'
import { absent } from '../gone.ts'
import { HttpError, notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import {
  buildPageSchema,
  buildQuery,
  buildWithJobsSchema,
  errorSchema,
  jobSchema,
  submitSchema,
} from '../schemas/build-schemas.ts'
import { showBuild, showJob } from '../schemas/show-build.ts'

/** Builds and their jobs: list, show, submit, cancel, retry, approve. */
export function buildRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { store, builds, repositories } = parts
  const read = requireScope('read', parts)
  const submit = requireScope('submit', parts)
  const routes = new Hono<HttpEnv>()

  const buildWithJobs = async (id: string) => {
    const build = await store.builds.get(id)
    if (build === undefined) throw await absent({ store, what: 'build', id })
    const jobs = await store.jobs.ofBuild(id)
    return { ...showBuild(build, parts.publicUrl), jobs: jobs.map((job) => showJob(job, parts.publicUrl)) }
  }

  routes.get(
    '/builds',
    read,
    answers('Builds, the newest first', buildPageSchema),
    checked('query', buildQuery),
    async (context) => {
      const { limit, cursor, ...filter } = context.req.valid('query')
      const page = await store.builds.list(definedOnly(filter), { limit, cursor })
      return context.json({
        items: page.items.map((build) => showBuild(build, parts.publicUrl)),
        next: page.next,
      })
    },
  )

  routes.get('/builds/:build', read, answers('A build with its jobs', buildWithJobsSchema), async (context) =>
    context.json(await buildWithJobs(context.req.param('build'))),
  )

  routes.get('/jobs/:job', read, answers('A job', jobSchema), async (context) => {
    const id = context.req.param('job')
    const job = await store.jobs.get(id)
    if (job === undefined) throw await absent({ store, what: 'job', id })
    return context.json(showJob(job, parts.publicUrl))
  })

  routes.post(
    '/builds',
    submit,
    answers('Starts a build', buildWithJobsSchema),
    checked('json', submitSchema),
    async (context) => {
      const asked = context.req.valid('json')
      const repository = await repositories.get(`${asked.forge}:${asked.repository}`)
      if (repository === undefined) throw notFound('repository', `${asked.forge}:${asked.repository}`)
      const ref = fullRef(asked.ref ?? repository.defaultBranch)
      const sha = asked.sha ?? (await parts.resolveRef(repository, ref))
      const trigger = manualTrigger({ ref, sha, inputs: asked.inputs, actor: context.get('caller').name })
      const request = { repository, trigger, ...(asked.jobs === undefined ? {} : { only: asked.jobs }) }
      const { build, reasons } = await builds.create(request)
      if (build === undefined) throw new HttpError(422, `no build: ${reasons.join('; ')}`)
      return context.json(await buildWithJobs(build.id), 201)
    },
  )

  routes.post(
    '/builds/:build/cancel',
    submit,
    answers('Cancels what has not ended', buildWithJobsSchema),
    async (context) => {
      const id = context.req.param('build')
      await builds.cancel({ build: id }, context.get('caller').name)
      return context.json(await buildWithJobs(id))
    },
  )

  routes.post('/jobs/:job/cancel', submit, answers('Cancels a job', jobSchema), async (context) => {
    const id = context.req.param('job')
    if ((await store.jobs.get(id)) === undefined) throw await absent({ store, what: 'job', id })
    await builds.cancel({ job: id }, context.get('caller').name)
    const job = await store.jobs.get(id)
    if (job === undefined) throw await absent({ store, what: 'job', id })
    return context.json(showJob(job, parts.publicUrl))
  })

  routes.post(
    '/jobs/:job/kill',
    requireScope('admin', parts),
    answers('Ends the machine of a job with SIGKILL at once; the job becomes `cancelled`', jobSchema),
    async (context) => {
      const id = context.req.param('job')
      if ((await store.jobs.get(id)) === undefined) throw await absent({ store, what: 'job', id })
      if (!(await builds.kill(id, context.get('caller').name)))
        throw new HttpError(409, 'expected a job that a host has, got one without a machine', {
          hint: 'what waits is ended by cancelling it',
        })
      const job = await store.jobs.get(id)
      if (job === undefined) throw await absent({ store, what: 'job', id })
      return context.json(showJob(job, parts.publicUrl), 202)
    },
  )

  routes.post(
    '/builds/:build/retry',
    submit,
    answers('Runs a build again, all of it or what failed', buildWithJobsSchema),
    async (context) => {
      const which = context.req.query('which') === 'all' ? 'all' : 'failed'
      const id = context.req.param('build')
      const build = await builds.retry(id, which, context.get('caller').name)
      if (build === undefined) await buildWithJobs(id)
      if (build === undefined) throw new HttpError(409, 'expected a build that has ended, to run it again')
      return context.json(await buildWithJobs(build.id))
    },
  )

  routes.post(
    '/builds/:build/approve',
    submit,
    answers("Lets a fork's pull request run", buildWithJobsSchema),
    async (context) => {
      const id = context.req.param('build')
      const build = await builds.approve(id, context.get('caller').name)
      if (build === undefined) await buildWithJobs(id)
      if (build === undefined) throw new HttpError(409, 'expected a build that waits for approval')
      return context.json(await buildWithJobs(build.id))
    },
  )
  return routes
}

function answers(summary: string, schema: ZodType) {
  const json = (of: ZodType) => ({ 'application/json': { schema: resolver(of) } })
  return describeRoute({
    summary,
    responses: {
      200: { description: 'done', content: json(schema) },
      404: { description: 'nothing of that name', content: json(errorSchema) },
      410: { description: 'no longer kept', content: json(errorSchema) },
    },
  })
}

type Manual = { ref: string; sha: string; inputs: Readonly<Record<string, string>>; actor: string }

function manualTrigger({ ref, sha, inputs, actor }: Manual): Trigger {
  const isTag = ref.startsWith('refs/tags/')
  return {
    ...{
      event: 'manual',
      sha,
      ref,
      title: '',
      author: '',
      actor,
      before: undefined,
      pullRequest: undefined,
      inputs,
    },
    branch: isTag ? undefined : ref.replace(/^refs\/heads\//, ''),
    tag: isTag ? ref.slice('refs/tags/'.length) : undefined,
  }
}

function fullRef(ref: string): string {
  return ref.startsWith('refs/') ? ref : `refs/heads/${ref}`
}
