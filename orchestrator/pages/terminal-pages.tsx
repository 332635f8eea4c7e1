import { Hono } from 'hono'
import { type HttpEnv, requireScope } from '../http/auth.ts'
import { absent } from '../http/gone.ts'
import { HttpError } from '../http/http-error.ts'
import type { HttpParts } from '../http/http-parts.ts'
import { jobLog, logSize } from '../http/logs/job-log.ts'
import { isKept } from '../model/is-kept.ts'
import { ConsolePage } from './console-page.tsx'
import { TerminalPage } from './terminal-page.tsx'

/** bytes of a console that a page begins with; as many lines as its terminal scrolls back, or so */
const shownBytes = 512 * 1024

/** The pages that are terminals: a shell in a kept machine, and the serial console of any. */
export function terminalPages(parts: HttpParts): Hono<HttpEnv> {
  const { store, archive, now } = parts
  const pages = new Hono<HttpEnv>()
  const findJob = async (id: string) => {
    const job = await store.jobs.get(id)
    if (job === undefined) throw await absent({ store, what: 'job', id })
    return job
  }

  pages.get('/jobs/:job/terminal', requireScope('debug', parts), async (context) => {
    const job = await findJob(context.req.param('job'))
    if (!isKept(job, now()))
      throw new HttpError(409, 'expected a job whose machine is kept, got one whose machine is not', {
        hint: 'its page says why: the machine was not kept, or its time is over',
      })
    return context.html(<TerminalPage job={job} />)
  })
  pages.get('/jobs/:job/console', requireScope('read', parts), async (context) => {
    const job = await findJob(context.req.param('job'))
    const { scopes } = context.get('caller')
    const mayType = isKept(job, now()) && (scopes.includes('debug') || scopes.includes('admin'))
    const size = await logSize(jobLog({ archive, job, stream: 'console' }))
    return context.html(<ConsolePage job={job} start={Math.max(0, size - shownBytes)} mayType={mayType} />)
  })
  return pages
}
