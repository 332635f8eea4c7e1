import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { describeRoute, resolver } from 'hono-openapi'
import { z } from 'zod'
import { findLine } from '../../../runner/logs/find-line.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { checked } from '../checked.ts'
import { absent, checkKept } from '../gone.ts'
import { HttpError } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { countFollowers } from '../logs/count-followers.ts'
import { followLog } from '../logs/follow-log.ts'
import { type JobLog, jobLog, logSize } from '../logs/job-log.ts'
import { createLogFeeds } from '../logs/log-feeds.ts'
import { searchLog } from '../logs/search-log.ts'
import { tailOffset } from '../logs/tail-offset.ts'
import { createTurns } from '../logs/turns.ts'

const streams = ['log', 'console'] as const

const rangeQuery = z.object({
  start: z.coerce.number().int().min(0).optional().describe('first byte'),
  end: z.coerce.number().int().min(0).optional().describe('byte after the last'),
  tail: z.coerce.number().int().min(1).max(100_000).optional().describe('the last lines instead'),
  line: z.coerce.number().int().min(1).optional().describe('from this line on, counted from 1'),
  lines: z.coerce.number().int().min(1).max(100_000).optional().describe('this many lines from `line` on'),
})

const searchQuery = z.object({
  text: z.string().min(1).max(200),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
})

const matchesSchema = z.object({
  matches: z.array(z.object({ line: z.number(), offset: z.number(), text: z.string() })),
})

/** Log and console of a job: by range, tail, line and search, and as they grow. */
export function logRoutes(parts: HttpParts): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>()
  const read = requireScope('read', parts)
  const feeds = createLogFeeds()
  const followers = countFollowers(parts)
  const turn = createTurns()
  for (const stream of streams) {
    routes.get(
      `/jobs/:job/${stream}`,
      read,
      describeRoute({
        summary: `The ${stream} of a job, whole or in part`,
        responses: {
          200: {
            description: 'bytes; X-Log-Offset and X-Log-Size say which of how many',
            content: { 'text/plain': {} },
          },
        },
      }),
      checked('query', rangeQuery),
      async (context) => {
        const { log } = await find(parts, context, stream)
        const { start, end } = await resolveRange(log, context.req.valid('query'))
        context.header('Content-Type', 'text/plain; charset=utf-8')
        context.header('X-Log-Offset', String(start))
        context.header('X-Log-Size', String(await logSize(log)))
        if (end <= start || context.req.method === 'HEAD') return context.body('')
        return context.body(Readable.toWeb(log.files.stream(log.name, { start, end })) as ReadableStream)
      },
    )
    routes.get(
      `/jobs/:job/${stream}/follow`,
      read,
      describeRoute({
        summary: `The ${stream} of a job as it grows, as server-sent events`,
        description:
          'Each event id is the byte offset after it; Last-Event-ID takes a broken stream up there.',
        responses: { 200: { description: 'events log, ping and end', content: { 'text/event-stream': {} } } },
      }),
      async (context) => {
        const { log, id, attempt } = await find(parts, context, stream)
        const given = context.req.header('last-event-id') ?? context.req.query('start') ?? '0'
        const from = /^\d{1,15}$/.test(given) ? Number(given) : 0
        const readJob = () => parts.store.jobs.get(id)
        const leaveCount = followers.enter()
        const joined = feeds.join({ bus: parts.bus, log, job: id, attempt, readJob, now: parts.now })
        const leave = () => {
          leaveCount()
          joined.leave()
        }
        return followLog({ context, feed: joined.feed, leave, turn, from })
      },
    )
    routes.get(
      `/jobs/:job/${stream}/search`,
      read,
      describeRoute({
        summary: `Lines of the ${stream} that hold a text`,
        responses: {
          200: {
            description: 'the first matches',
            content: { 'application/json': { schema: resolver(matchesSchema) } },
          },
        },
      }),
      checked('query', searchQuery),
      async (context) => {
        const { log } = await find(parts, context, stream)
        const { text, limit } = context.req.valid('query')
        if ((await logSize(log)) === 0) return context.json({ matches: [] })
        return context.json({
          matches: await searchLog({ log, text, limit, signal: context.req.raw.signal }),
        })
      },
    )
  }
  return routes
}

async function find({ store, archive }: HttpParts, context: Context, stream: 'log' | 'console') {
  const id = context.req.param('job') ?? ''
  const job = await store.jobs.get(id)
  if (job === undefined) throw await absent({ store, what: 'job', id })
  const asked = context.req.query('attempt')
  const attempt = asked === undefined ? job.attempt : Number(asked)
  if (!Number.isInteger(attempt) || attempt < 1 || attempt > job.attempt) {
    throw new HttpError(404, `expected an attempt from 1 to ${job.attempt}, got ${JSON.stringify(asked)}`)
  }
  const log = jobLog({ archive, job: { id: job.id, attempt }, stream })
  await checkKept({ ...log, what: 'logs' })
  return { id, attempt, log }
}

async function resolveRange(
  log: JobLog,
  query: z.output<typeof rangeQuery>,
): Promise<{ start: number; end: number }> {
  const size = await logSize(log)
  if (query.tail !== undefined) return { start: await tailOffset(log, query.tail), end: size }
  if (query.line === undefined || size === 0)
    return { start: Math.min(query.start ?? 0, size), end: Math.min(query.end ?? size, size) }
  const start = (await findLine({ ...log, line: query.line })) ?? size
  const after =
    query.lines === undefined ? undefined : await findLine({ ...log, line: query.line + query.lines })
  return { start, end: after ?? size }
}
