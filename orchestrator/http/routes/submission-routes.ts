import { Hono } from 'hono'
import { describeRoute, resolver } from 'hono-openapi'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { HttpError } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { buildWithJobsSchema, errorSchema } from '../schemas/build-schemas.ts'
import { showBuild, showJob } from '../schemas/show-build.ts'
import { submissionLimitsSchema, submissionQuery } from '../schemas/submission-schemas.ts'

/** Folders that people send from their own computers. */
export function submissionRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { store, submissions } = parts
  const submit = requireScope('submit', parts)
  const routes = new Hono<HttpEnv>()

  routes.get(
    '/submissions/limits',
    submit,
    describeRoute({
      summary: 'What a submission may have at most',
      responses: {
        200: {
          description: 'the limits',
          content: { 'application/json': { schema: resolver(submissionLimitsSchema) } },
        },
      },
    }),
    (context) => context.json({ bytes: submissions.bytes }),
  )

  routes.post(
    '/submissions',
    submit,
    describeRoute({
      summary: 'Starts a build of a folder, sent as a git bundle',
      description:
        'The body is a git bundle of one branch with all of its commits; its newest commit is built, as a repository local:CALLER/NAME.',
      requestBody: { required: true, content: { 'application/x-git-bundle': {} } },
      responses: {
        201: {
          description: 'the build; with its `problem` where the pipeline file cannot be used',
          content: { 'application/json': { schema: resolver(buildWithJobsSchema) } },
        },
        413: { description: 'too large', content: { 'application/json': { schema: resolver(errorSchema) } } },
        422: {
          description: 'no such bundle, or nothing in it to build',
          content: { 'application/json': { schema: resolver(errorSchema) } },
        },
      },
    }),
    checked('query', submissionQuery),
    async (context) => {
      const { name, file, job, input } = context.req.valid('query')
      const { raw } = context.req
      if (Number(raw.headers.get('content-length') ?? 0) > submissions.bytes)
        throw tooLarge(submissions.bytes)
      const by = context.get('caller').name
      const submission = { name, pipelineFile: file, jobs: job, inputs: input, by }
      const { build, reasons } = await submissions.submit(submission, bodyOf(raw), raw.signal)
      if (build === undefined) throw new HttpError(422, `no build: ${reasons.join('; ')}`)
      const jobs = await store.jobs.ofBuild(build.id)
      const shown = jobs.map((one) => showJob(one, parts.publicUrl))
      return context.json({ ...showBuild(build, parts.publicUrl), jobs: shown }, 201)
    },
  )
  return routes
}

/** Said before anything is read, where the length is said too. */
function tooLarge(bytes: number): HttpError {
  return new HttpError(413, `expected a submission of at most ${bytes} bytes, got more`, {
    hint: 'add what the job does not need to .gitignore',
  })
}

function bodyOf({ body }: Request): AsyncIterable<Uint8Array> {
  return (body ?? []) as unknown as AsyncIterable<Uint8Array>
}
