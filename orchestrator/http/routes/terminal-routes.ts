import { upgradeWebSocket } from '@hono/node-server'
import { type Context, Hono } from 'hono'
import { describeRoute } from 'hono-openapi'
import type { WebSocket } from 'ws'
import type { LoginUse } from '../../gateway/gateway.ts'
import { isKept } from '../../model/is-kept.ts'
import type { ScreenSize } from '../../terminal/enter-gateway.ts'
import { serveTerminal } from '../../terminal/serve-terminal.ts'
import { type HttpEnv, requireScope } from '../auth.ts'
import { clientAddress } from '../client-address.ts'
import { absent } from '../gone.ts'
import { HttpError } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'
import { requireOwnOrigin } from '../require-own-origin.ts'
import { stillAllowed } from '../still-allowed.ts'
import { trustedProxies } from '../trusted-proxies.ts'

/** Ways into the kept machine of a job for a browser: WebSockets, see docs/debug.md for their messages. */
export function terminalRoutes(parts: HttpParts): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>()
  const isTrusted = trustedProxies(parts.trustedProxies ?? [])
  const ways: readonly { path: string; use: LoginUse; summary: string }[] = [
    { path: '/jobs/:job/terminal', use: 'shell', summary: 'A shell in the kept machine of a job' },
    {
      path: '/jobs/:job/console/type',
      use: 'console',
      summary: 'Typing on the serial console of the kept machine of a job',
    },
  ]
  for (const { path, use, summary } of ways) {
    routes.get(
      path,
      requireScope('debug', parts),
      requireOwnOrigin(parts),
      describeRoute({
        summary,
        description: 'A WebSocket: binary messages are bytes, text messages are JSON.',
        responses: { 101: { description: 'joined' }, 426: { description: 'no WebSocket was asked for' } },
      }),
      upgradeWebSocket(async (context: Context<HttpEnv>) => {
        const id = context.req.param('job') ?? ''
        await findJob(parts, id)
        const caller = context.get('caller')
        const { name, token: holder } = caller
        const mayStay = () => stillAllowed(parts, caller)
        const who = `${name} in a browser from ${clientAddress(context, isTrusted) ?? 'nowhere'}`
        const open = async (size: ScreenSize) => {
          const job = await findJob(parts, id)
          if (!isKept(job, parts.now())) throw new Error(`the machine of job ${id} is not kept`)
          return await parts.shells.open(holder, { job: id, hold: job.hold, who, use, size })
        }
        const find = (shell: string) => parts.shells.find({ id: shell, holder, job: id, use })
        return {
          onOpen: (_event, { raw }) =>
            serveTerminal({ socket: raw as unknown as WebSocket, open, find, mayStay }),
        }
      }),
      () => {
        throw new HttpError(426, 'expected a WebSocket, got a plain request')
      },
    )
  }
  return routes
}

async function findJob({ store }: Pick<HttpParts, 'store'>, id: string) {
  const job = await store.jobs.get(id)
  if (job === undefined) throw await absent({ store, what: 'job', id })
  return job
}
