import { constants } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import { artifactsName, jobFolderPath } from '../../../runner/job/filenames.ts'
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
      const folder = await folderOf(parts, context.req.param('job'))
      return context.json({ items: await list(folder) })
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
      const folder = await folderOf(parts, context.req.param('job'))
      const path = context.req.param('path')
      // Only what the listing has is served, so that no path has to be judged.
      const known = (await list(folder)).find((item) => item.path === path)
      if (known === undefined) throw notFound('artifact', path)
      return await send(context, join(folder, known.path))
    },
  )
  return routes
}

async function folderOf({ store, archiveFolder }: HttpParts, id: string): Promise<string> {
  const job = await store.jobs.get(id)
  if (job === undefined) throw await absent({ store, what: 'job', id })
  const folder = jobFolderPath(archiveFolder, attemptId(job))
  await checkKept({ folder, name: artifactsName, what: 'artifacts' })
  return join(folder, artifactsName)
}

type Listed = { readonly path: string; readonly bytes: number }

async function list(folder: string): Promise<Listed[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile())
  const listed = await Promise.all(
    files.map(async (entry) => {
      const file = join(entry.parentPath, entry.name)
      return { path: relative(folder, file).split(sep).join('/'), bytes: (await lstat(file)).size }
    }),
  )
  return listed.sort((a, b) => (a.path < b.path ? -1 : 1))
}

async function send(context: Context, file: string): Promise<Response> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW)
  const { size } = await handle.stat()
  const range = byteRange(context.req.header('range'), size)
  if (range === 'unsatisfiable') {
    await handle.close()
    return context.body(null, 416, { 'Content-Range': `bytes */${size}` })
  }
  const { start, end } = range ?? { start: 0, end: size }
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': 'attachment',
    'X-Content-Type-Options': 'nosniff',
    'Accept-Ranges': 'bytes',
    'Content-Length': String(end - start),
    ...(range === undefined ? {} : { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
  }
  if (end === start || context.req.method === 'HEAD') {
    await handle.close()
    return context.body(null, range === undefined ? 200 : 206, headers)
  }
  const stream = handle.createReadStream({ start, end: end - 1 })
  return context.body(Readable.toWeb(stream) as ReadableStream, range === undefined ? 200 : 206, headers)
}
