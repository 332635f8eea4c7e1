import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import type { AttemptFiles, StoredFile } from '../../../runner/job/attempt-files.ts'
import { artifactsName } from '../../../runner/job/filenames.ts'
import { attemptId } from '../../worker/attempt-id.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { byteRange } from '../byte-range.ts'
import { absent, checkKept } from '../gone.ts'
import { notFound } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'

/** What jobs brought back. Whatever a file claims to be, a browser is told to save it, never to run it. */
export function artifactRoutes(parts: HttpParts): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>()
  const read = requireScope('read', parts)

  routes.get(
    '/jobs/:job/artifacts',
    read,
    describeRoute({ summary: 'Artifacts of a job', responses: { 200: { description: 'paths and sizes' } } }),
    async (context) => {
      const files = await filesOf(parts, context.req.param('job'))
      return context.json({ items: await files.list(artifactsName) })
    },
  )

  routes.get(
    '/jobs/:job/artifacts/:path{.+}',
    read,
    describeRoute({
      summary: 'One artifact',
      responses: { 200: { description: 'its bytes' }, 206: { description: 'the range asked for' } },
    }),
    async (context) => {
      const files = await filesOf(parts, context.req.param('job'))
      const path = context.req.param('path')
      // Only what the listing has is served, so that no path has to be judged.
      const known = (await files.list(artifactsName)).find((item) => item.path === path)
      if (known === undefined) throw notFound('artifact', path)
      return send(context, files, known)
    },
  )
  return routes
}

async function filesOf({ store, archive }: HttpParts, id: string): Promise<AttemptFiles> {
  const job = await store.jobs.get(id)
  if (job === undefined) throw await absent({ store, what: 'job', id })
  const files = archive.files(attemptId(job))
  await checkKept({ files, name: artifactsName, what: 'artifacts' })
  return files
}

function send(context: Context, files: AttemptFiles, { path, bytes: size }: StoredFile): Response {
  const range = byteRange(context.req.header('range'), size)
  if (range === 'unsatisfiable') return context.body(null, 416, { 'Content-Range': `bytes */${size}` })
  const { start, end } = range ?? { start: 0, end: size }
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': 'attachment',
    'X-Content-Type-Options': 'nosniff',
    'Accept-Ranges': 'bytes',
    'Content-Length': String(end - start),
    ...(range === undefined ? {} : { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
  }
  if (end === start || context.req.method === 'HEAD')
    return context.body(null, range === undefined ? 200 : 206, headers)
  const stream = files.stream(`${artifactsName}/${path}`, { start, end })
  return context.body(Readable.toWeb(stream) as ReadableStream, range === undefined ? 200 : 206, headers)
}
