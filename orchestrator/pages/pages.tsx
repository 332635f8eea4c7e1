import { readFile } from 'node:fs/promises'
import { type Context, Hono } from 'hono'
import { setCookie } from 'hono/cookie'
import { csrf } from 'hono/csrf'
import { createMiddleware } from 'hono/factory'
import { lineAt } from '../../runner/logs/line-at.ts'
import { describeError } from '../http/answer-error.ts'
import { type HttpEnv, requireScope, sessionCookie } from '../http/auth.ts'
import { absent } from '../http/gone.ts'
import { notFound } from '../http/http-error.ts'
import type { HttpParts } from '../http/http-parts.ts'
import { jobLog, logSize } from '../http/logs/job-log.ts'
import { searchLog } from '../http/logs/search-log.ts'
import { retryWithDebug } from '../http/retry-with-debug.ts'
import { aboutRequest } from '../logs/about-request.ts'
import { type BuildState, endStates, isEnded } from '../model/build.ts'
import { findAsset } from './assets.ts'
import { BuildPage } from './build-page.tsx'
import { BuildsPage } from './builds-page.tsx'
import { DeliveriesPage, DeliveryPage } from './deliveries-page.tsx'
import { ImagesPage } from './images-page.tsx'
import { JobPage } from './job-page.tsx'
import { countLines, readLines } from './log-lines.ts'
import { ErrorPage, LoginPage, SearchPage } from './message-pages.tsx'
import { LogLines } from './parts/log-table.tsx'
import { QueuePage } from './queue-page.tsx'
import { readTimeline } from './read-timeline.ts'
import { terminalPages } from './terminal-pages.tsx'

/** Lines of a log on one page. */
const windowLines = 1000

/** What people see: rendered here, readable without JavaScript, live with it. */
export function createPages(parts: HttpParts): Hono<HttpEnv> {
  const { store, builds, queue, shelf, repositories, tokens, deliveries, archive, now } = parts
  const pages = new Hono<HttpEnv>()
  const read = requireScope('read', parts)
  const submit = requireScope('submit', parts)
  const debug = requireScope('debug', parts)
  const admin = requireScope('admin', parts)
  const may = (context: Context<HttpEnv>, what: 'submit' | 'debug' | 'admin') =>
    context.get('caller').scopes.some((scope) => scope === what || scope === 'admin')

  // Behind a proxy that ends TLS the address that the browser knows is another.
  pages.use(
    csrf({
      origin: (origin, context) =>
        origin === new URL(context.req.url).origin || origin === originOf(parts.publicUrl),
    }),
  )
  // Without a document type a browser takes the page for one of the nineties.
  pages.use(doctype)
  pages.onError((error, context) => {
    const { status, message, hint } = describeError(error)
    if (status === 401) return context.html(<LoginPage />, 401)
    if (status >= 500) aboutRequest(parts.log, context).error({ err: error }, 'a page failed')
    return context.html(<ErrorPage status={status} message={message} hint={hint} />, status)
  })

  pages.get('/assets/:name', async (context) => {
    const name = context.req.param('name')
    const asset = findAsset(name)
    if (asset === undefined) throw notFound('file', name)
    const body = await readFile(asset.file)
    return context.body(new Uint8Array(body), 200, {
      'Content-Type': asset.type,
      'Cache-Control': 'public, max-age=300',
    })
  })

  pages.get('/login', (context) => context.html(<LoginPage />))
  pages.post('/login', async (context) => {
    const { token } = await context.req.parseBody()
    const known = typeof token === 'string' ? await tokens.verify(token.trim()) : undefined
    if (known === undefined || typeof token !== 'string') {
      parts.metrics.authFailures.inc({ reason: 'unknown' })
      return context.html(
        <LoginPage problem="That is no token that was made here, or it is no longer good." />,
        401,
      )
    }
    const secure = parts.publicUrl.startsWith('https:')
    setCookie(context, sessionCookie, token.trim(), { httpOnly: true, sameSite: 'Strict', secure, path: '/' })
    return context.redirect('/')
  })

  pages.get('/', read, async (context) => {
    const { repository, branch, state, cursor } = context.req.query()
    const filter = {
      ...(repository ? { repository } : {}),
      ...(branch ? { branch } : {}),
      ...(isState(state) ? { state } : {}),
    }
    const page = await store.builds.list(filter, { limit: 50, cursor })
    const known = (await repositories.list()).map((one) => `${one.forge}:${one.name}`)
    return context.html(<BuildsPage page={page} filter={filter} repositories={known} now={now()} />)
  })

  const findBuild = async (id: string) => {
    const build = await store.builds.get(id)
    if (build === undefined) throw await absent({ store, what: 'build', id })
    return build
  }

  pages.get('/builds/:build', read, async (context) => {
    const build = await findBuild(context.req.param('build'))
    const jobs = await store.jobs.ofBuild(build.id)
    return context.html(<BuildPage build={build} jobs={jobs} mayAct={may(context, 'submit')} now={now()} />)
  })

  const findJob = async (id: string) => {
    const job = await store.jobs.get(id)
    if (job === undefined) throw await absent({ store, what: 'job', id })
    return job
  }
  const streamOf = (context: Context) => (context.req.query('stream') === 'console' ? 'console' : 'log')

  pages.get('/jobs/:job', read, async (context) => {
    const job = await findJob(context.req.param('job'))
    const stream = streamOf(context)
    const log = jobLog({ archive, job, stream })
    const [total, timeline] = await Promise.all([countLines(log), readTimeline(log.files)])
    const first = await firstLine(context, { log, total, running: !isEnded(job.state) })
    const window = await readLines(log, first, windowLines)
    return context.html(
      <JobPage
        job={job}
        stream={stream}
        timeline={timeline}
        window={window}
        total={total}
        mayAct={may(context, 'submit')}
        mayDebug={may(context, 'debug')}
        now={now()}
      />,
    )
  })

  pages.get('/jobs/:job/lines', read, async (context) => {
    const job = await findJob(context.req.param('job'))
    const log = jobLog({ archive, job, stream: streamOf(context) })
    const line = clamp(Number(context.req.query('line')), 1, Number.MAX_SAFE_INTEGER)
    const window = await readLines(log, line, clamp(Number(context.req.query('lines')), 1, windowLines))
    context.header('X-Log-End', String(window.end))
    context.header('X-Log-More', String(window.more))
    return context.html(<LogLines window={window} />)
  })

  pages.get('/jobs/:job/search', read, async (context) => {
    const job = await findJob(context.req.param('job'))
    const stream = streamOf(context)
    const log = jobLog({ archive, job, stream })
    const text = (context.req.query('text') ?? '').slice(0, 200)
    const found = text !== '' && (await logSize(log)) > 0
    const matches = found ? await searchLog({ log, text, limit: 500, signal: context.req.raw.signal }) : []
    return context.html(<SearchPage job={job.id} stream={stream} text={text} matches={matches} />)
  })

  pages.route('/', terminalPages(parts))

  pages.get('/queue', read, async (context) => {
    const [waiting, hosts] = await Promise.all([queue.waiting(200), queue.hosts()])
    return context.html(<QueuePage waiting={waiting} hosts={hosts} mayAct={may(context, 'admin')} />)
  })
  for (const verb of ['cordon', 'uncordon', 'drain', 'remove'] as const) {
    pages.post(`/hosts/:host/${verb}`, admin, async (context) => {
      await parts.fleet[verb](context.req.param('host'), { by: context.get('caller').name })
      return context.redirect('/queue')
    })
  }
  pages.get('/images', read, async (context) => context.html(<ImagesPage images={await shelf.list()} />))
  pages.get('/deliveries', read, async (context) => {
    const page = await store.deliveries.list({}, { limit: 50, cursor: context.req.query('cursor') })
    return context.html(<DeliveriesPage page={page} />)
  })
  pages.get('/deliveries/:delivery', read, async (context) => {
    const delivery = await store.deliveries.get(context.req.param('delivery'))
    if (delivery === undefined) throw notFound('delivery', context.req.param('delivery'))
    return context.html(<DeliveryPage delivery={delivery} mayAct={may(context, 'submit')} />)
  })

  pages.post('/builds/:build/cancel', submit, async (context) => {
    const { id } = await findBuild(context.req.param('build'))
    await builds.cancel({ build: id }, context.get('caller').name)
    return context.redirect(`/builds/${id}`)
  })
  pages.post('/builds/:build/approve', submit, async (context) => {
    const { id } = await findBuild(context.req.param('build'))
    await builds.approve(id, context.get('caller').name)
    return context.redirect(`/builds/${id}`)
  })
  pages.post('/builds/:build/retry', submit, async (context) => {
    const which = context.req.query('which') === 'all' ? 'all' : 'failed'
    const { id } = await findBuild(context.req.param('build'))
    const build = await builds.retry(id, which, context.get('caller').name)
    return context.redirect(`/builds/${build?.id ?? id}`)
  })
  pages.post('/jobs/:job/cancel', submit, async (context) => {
    const { id } = await findJob(context.req.param('job'))
    await builds.cancel({ job: id }, context.get('caller').name)
    return context.redirect(`/jobs/${id}`)
  })
  for (const type of ['release', 'park', 'resume'] as const) {
    pages.post(`/jobs/:job/${type}`, debug, async (context) => {
      const { id } = await findJob(context.req.param('job'))
      await parts.bus.publish({ type, job: id, by: context.get('caller').name })
      return context.redirect(`/jobs/${id}`)
    })
  }
  pages.post('/jobs/:job/retry-with-debug', submit, debug, async (context) => {
    const { id } = await findJob(context.req.param('job'))
    const mayEnter = { keys: [], users: [] }
    await retryWithDebug({ parts, id, by: context.get('caller').name, mayEnter })
    return context.redirect(`/jobs/${id}`)
  })
  pages.post('/deliveries/:delivery/replay', submit, async (context) => {
    const replayed = await deliveries.replay(context.req.param('delivery'), context.get('caller').name)
    if (replayed === undefined) throw notFound('delivery', context.req.param('delivery'))
    return context.redirect(`/deliveries/${replayed.id}`)
  })
  return pages
}

const doctype = createMiddleware(async (context, next) => {
  await next()
  if (!context.res.headers.get('content-type')?.startsWith('text/html')) return
  const body = withoutControls(await context.res.text())
  // A body can be read once only, that of a fragment too.
  context.res = new Response(body.startsWith('<html') ? `<!DOCTYPE html>${body}` : body, context.res)
})

// HTML has no place for them, and somebody may read a page in a terminal: names and questions can hold any.
function withoutControls(html: string): string {
  return html.replace(/[^\P{Cc}\n\t]/gu, '')
}

type Shown = { log: Parameters<typeof readLines>[0]; total: number; running: boolean }

/** Where to open a log: at the line or the byte asked for, at its end while it grows, else at its beginning. */
async function firstLine(context: Context, { log, total, running }: Shown): Promise<number> {
  const { line, offset } = context.req.query()
  if (offset !== undefined) return await lineAt(log, clamp(Number(offset), 0, Number.MAX_SAFE_INTEGER))
  if (line !== undefined) return clamp(Number(line), 1, Math.max(1, total))
  return running ? Math.max(1, total - windowLines + 1) : 1
}

function originOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).origin : undefined
}

function clamp(value: number, least: number, most: number): number {
  return Number.isFinite(value) ? Math.min(most, Math.max(least, Math.trunc(value))) : least
}

function isState(state: string | undefined): state is BuildState {
  return state !== undefined && ['waiting', 'queued', 'running', ...endStates].includes(state)
}
