import { Readable } from 'node:stream'
import { Hono } from 'hono'
import { describeRoute, resolver } from 'hono-openapi'
import type { z } from 'zod'
import { failedStep } from '../../../runner/job/failed-step.ts'
import { recordName } from '../../../runner/job/filenames.ts'
import type { JobRecord } from '../../../runner/job/job-record.ts'
import type { Build, BuildJob } from '../../model/build.ts'
import type { Repository } from '../../model/repository.ts'
import { attemptId } from '../../worker/attempt-id.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { absent } from '../gone.ts'
import { HttpError, notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { reproSchema } from '../schemas/repro-schema.ts'

/** What somebody needs to run a past job on a computer of their own; no value of a secret is among it. */
export function reproRoutes(parts: HttpParts): Hono<HttpEnv> {
  const { archive, jobFiles } = parts
  const routes = new Hono<HttpEnv>()
  // Whoever may walk into its machine may read all that is in it anyway.
  const debug = requireScope('debug', parts)

  routes.get(
    '/jobs/:job/repro',
    debug,
    describeRoute({
      summary: 'What a past job ran: its plan, commit, image, checkpoint and the step that failed',
      responses: {
        200: { description: 'done', content: { 'application/json': { schema: resolver(reproSchema) } } },
      },
    }),
    async (context) => {
      const found = await pastJob(parts, context.req.param('job'))
      const record = await readRecord(archive, found.job)
      return context.json(describe(found, record))
    },
  )

  routes.get(
    '/jobs/:job/files',
    debug,
    describeRoute({
      summary: 'The files of a job as a tar archive: those of its commit',
      responses: { 200: { description: 'a tar archive', content: { 'application/x-tar': {} } } },
    }),
    async (context) => {
      const { build, repository } = await pastJob(parts, context.req.param('job'))
      const { signal } = context.req.raw
      const source = await jobFiles(repository, { ref: build.trigger.ref, sha: build.trigger.sha }, signal)
      const { stream } = await source.tree(signal).catch(async (error: unknown) => {
        await source.release()
        throw error
      })
      stream.once('close', () => void source.release())
      const headers = { 'Content-Type': 'application/x-tar', 'Content-Disposition': 'attachment' }
      return context.body(Readable.toWeb(stream) as ReadableStream, 200, headers)
    },
  )
  return routes
}

type PastJob = { readonly job: BuildJob; readonly build: Build; readonly repository: Repository }

async function pastJob({ store }: HttpParts, id: string): Promise<PastJob> {
  const job = await store.jobs.get(id)
  const build = job && (await store.builds.get(job.build))
  if (job === undefined || build === undefined) throw await absent({ store, what: 'job', id })
  const repository = await store.repositories.get(build.repository)
  if (repository === undefined) throw notFound('repository', build.repository)
  return { job, build, repository }
}

/** Undefined where its attempt has left none, or not yet. */
async function readRecord(archive: HttpParts['archive'], job: BuildJob): Promise<JobRecord | undefined> {
  const files = archive.files(attemptId(job))
  if (!(await files.isThere(recordName))) return undefined
  try {
    return JSON.parse((await files.read(recordName, { start: 0 })).toString()) as JobRecord
  } catch {
    throw new HttpError(500, `the record of job ${job.id} cannot be read`)
  }
}

function describe(
  { job, build, repository }: PastJob,
  record: JobRecord | undefined,
): z.input<typeof reproSchema> {
  const { forge, name, cloneUrl, submodules, lfs } = repository
  const { ref, sha, event } = build.trigger
  const machine = record?.machine
  const checkpoint = machine?.checkpoint
  return {
    id: job.id,
    job: { ...job.job, resources: job.resources },
    repository: { forge, name, cloneUrl, submodules, lfs },
    ...{ ref, sha, event },
    image: machine && { name: machine.image, digest: machine.imageDigest },
    checkpoint: checkpoint !== undefined && 'key' in checkpoint ? checkpoint.key : undefined,
    failed: record && failedStep(record)?.index,
  }
}
