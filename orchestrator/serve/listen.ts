import type { Server } from 'node:http'
import { serve, type WebSocketServerLike } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Logger } from 'pino'
import { WebSocketServer } from 'ws'
import { ConfigError } from '../../config/errors.ts'
import type { HostConfig } from '../../config/host/host-config.ts'
import type { HttpEnv } from '../http/auth.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Tokens } from '../tokens/token.ts'
import { boundConnections } from './bound-connections.ts'

type Listen = {
  app: Hono<HttpEnv>
  host: HostConfig
  tokens: Tokens
  metrics: Pick<Metrics, 'limits' | 'registry'>
  log: Logger
  /** What a client may take, so that slow ones cannot keep others out. */
  limits?: {
    /** ms for the headers of a request. @defaultValue 20 s */
    readonly headersMs?: number
    /** ms for a whole request, its body included. @defaultValue 5 minutes */
    readonly requestMs?: number
    /** ms between two looks at what is late. @defaultValue 5 s */
    readonly checkMs?: number
  }
}

/** What a browser types or says at once. */
const mostMessageBytes = 64 * 1024
const loopback = ['127.0.0.1', '::1', 'localhost']

/**
 * Listens where the host file says. Anything but loopback is refused as long as nobody needs a token, and without a
 * proxy in front that ends TLS, for tokens are not sent in the clear.
 */
export async function listen({
  app,
  host,
  tokens,
  metrics,
  log,
  limits: { headersMs = 20_000, requestMs = 300_000, checkMs = 5_000 } = {},
}: Listen): Promise<{ url: string; close(): Promise<void> }> {
  const { host: address, port } = host.listen
  if (!loopback.includes(address)) await checkPublic({ host, tokens })
  const webSockets = new WebSocketServer({ noServer: true, maxPayload: mostMessageBytes })
  const server = await new Promise<Server>((resolve, reject) => {
    const started = serve(
      {
        fetch: app.fetch,
        hostname: address,
        port,
        serverOptions: {
          headersTimeout: headersMs,
          requestTimeout: requestMs,
          connectionsCheckingInterval: checkMs,
        },
        websocket: { server: webSockets as unknown as WebSocketServerLike },
      },
      () => resolve(started as Server),
    )
    started.once('error', (cause: NodeJS.ErrnoException) => {
      const hint =
        cause.code === 'EADDRINUSE'
          ? 'another process listens there; set `listen:` in the host file'
          : undefined
      reject(
        new ConfigError(`expected to listen on ${address}:${port}, got ${cause.code ?? cause.message}`, {
          hint,
          cause,
        }),
      )
    })
  })
  boundConnections({ server, most: host.limits.connections, metrics })
  const bound = server.address()
  const actual = typeof bound === 'object' && bound !== null ? bound.port : port
  const url = `http://${address.includes(':') ? `[${address}]` : address}:${actual}`
  log.info({ url }, 'listening')
  return {
    url,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // They are no connections of HTTP any more.
        for (const socket of webSockets.clients) socket.terminate()
        server.closeAllConnections()
      }),
  }
}

async function checkPublic({ host, tokens }: Pick<Listen, 'host' | 'tokens'>): Promise<void> {
  if ((await tokens.list()).length === 0) {
    throw new ConfigError(`expected a token before listening on ${host.listen.host}, found none`, {
      hint: 'start on loopback first and make one: mayfly tokens make NAME --scope admin',
    })
  }
  if (host.trustedProxies.length === 0) {
    throw new ConfigError(
      `expected the proxy that ends TLS in front of ${host.listen.host}, found none named`,
      {
        hint: 'name it under `trusted_proxies:` in the host file, or listen on loopback',
      },
    )
  }
}
