import { once } from 'node:events'
import { hostname } from 'node:os'
import { WebSocket } from 'ws'
import type { HostConfig } from '../../../config/host/host-config.ts'
import { loadHostConfig } from '../../../config/host/load-host-config.ts'
import type { BuildJob, JobHold } from '../../../orchestrator/model/build.ts'
import { listen } from '../../../orchestrator/serve/listen.ts'
import { createBrowserShells } from '../../../orchestrator/terminal/browser-shells.ts'
import { enterGateway } from '../../../orchestrator/terminal/enter-gateway.ts'
import type { TokenScope } from '../../../orchestrator/tokens/token.ts'
import { type AGateway, startAGateway } from '../gateway/a-gateway.ts'
import type { RealSshd } from '../gateway/an-sshd.ts'
import { type HttpWorld, httpWorld } from '../http/http-world.ts'
import { type ABrowser, aBrowser } from './a-browser.ts'
import { memoryTickets } from './memory-tickets.ts'

type Setting = {
  readonly limits?: NonNullable<Parameters<typeof createBrowserShells>[0]['limits']>
  readonly gateway?: Parameters<typeof startAGateway>[1]
}

export type ATerminalServer = {
  readonly url: string
  readonly world: HttpWorld
  readonly gateway: AGateway
  readonly tickets: ReturnType<typeof memoryTickets>
  readonly shells: ReturnType<typeof createBrowserShells>
  /** A job whose machine the gateway has. */
  readonly job: BuildJob
  token(name: string, scopes: readonly TokenScope[]): Promise<string>
  /** Connects; says nothing yet. `acks`: whether it says what it has shown. */
  browse(how: {
    token?: string
    path?: string
    headers?: Record<string, string>
    acks?: boolean
  }): Promise<ABrowser>
  stop(): Promise<void>
}

export const aHold = (change: Partial<JobHold> = {}): JobHold =>
  ({
    ...{ state: 'held', host: `${hostname()}-1`, until: new Date(Date.now() + 600_000).toISOString() },
    ...change,
  }) as JobHold

/** A server that listens, in front of a gateway in front of an sshd; store, tokens and tickets are in memory. */
export async function startATerminalServer(sshd: RealSshd, setting: Setting = {}): Promise<ATerminalServer> {
  const tickets = memoryTickets()
  const gateway = await startAGateway(sshd, {
    authorize: async (job) => ({
      ...{ kind: 'open', until: new Date(Date.now() + 600_000), greeting: 'step "test" failed' },
      keys: await tickets.ofJob(job),
    }),
    ...setting.gateway,
  })
  const shells = createBrowserShells({
    enter: (order) => enterGateway({ tickets, hostName: hostname() }, order),
    limits: setting.limits ?? {},
  })
  const world = await httpWorld({ shells, now: () => new Date() })
  const place = { host: '127.0.0.1', port: gateway.gateway.port, hostKey: gateway.hostKey.publicKey }
  const { job } = await world.addJob({ state: 'failed', hold: aHold({ gateway: place }) })
  const plain = await loadHostConfig({ env: {}, standardFile: '/nonexistent/mayfly.yml' })
  const host: HostConfig = { ...plain, listen: { host: '127.0.0.1', port: 0 } }
  const { app, tokens, parts } = world
  const listening = await listen({ app, host, tokens, metrics: parts.metrics, log: parts.log })
  const sockets: WebSocket[] = []
  return {
    ...{ url: listening.url, world, gateway, tickets, shells, job },
    token: async (name, scopes) => (await tokens.make({ name, scopes })).text,
    async browse({ token, path = `/api/v1/jobs/${job.id}/terminal`, headers = {}, acks = true }) {
      const cookie: Record<string, string> = token === undefined ? {} : { cookie: `mayfly_session=${token}` }
      const socket = new WebSocket(`${listening.url.replace('http', 'ws')}${path}`, {
        headers: { ...cookie, ...headers },
      })
      sockets.push(socket)
      const browser = aBrowser(socket, acks)
      await once(socket, 'open')
      return browser
    },
    async stop() {
      for (const socket of sockets) socket.terminate()
      await listening.close()
      shells.close()
      await gateway.stop()
    },
  }
}
