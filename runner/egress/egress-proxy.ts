import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { destroyWhenIdle } from './destroy-when-idle.ts'
import { dial } from './dial.ts'
import type { EgressPolicy, Target } from './egress-policy.ts'
import type { EgressRecord } from './egress-record.ts'
import { createEgressRecords } from './egress-record.ts'
import { forwardRequest } from './forward-request.ts'
import { hostNetworks as hostNetworksOfThisHost } from './host-networks.ts'
import { openTunnel } from './open-tunnel.ts'
import { type Reach, reach, resolveName } from './reach.ts'
import { readAbsoluteUrl, readAuthority } from './read-target.ts'
import { refuseAddress } from './refuse-address.ts'

export type EgressRequest = {
  readonly method: string
  readonly host: string
  readonly port: number
  readonly refused: string | undefined
}

export type EgressProxyOptions = {
  readonly policy: EgressPolicy
  /** Every address of a name. @defaultValue this host's resolver */
  readonly resolve?: ((host: string) => Promise<string[]>) | undefined
  /** Networks to keep out of reach, as `address/prefix`. @defaultValue those of this host's interfaces */
  readonly hostNetworks?: (() => readonly string[]) | undefined
  /** Takes the place of the whole address check; only tests, whose origins are on loopback, have a use for it. */
  readonly refuse?: ((address: string, port: number) => string | undefined) | undefined
  /** Called once for each request when it was decided about. */
  readonly onRequest?: ((request: EgressRequest) => void) | undefined
  readonly limits?: {
    /** Connections at a time. @defaultValue 256 */
    readonly connections?: number
    /** Milliseconds without a byte in either direction. @defaultValue 5 minutes */
    readonly idle?: number
  }
}

/** What holds beside the proxy's own policy, until it is told otherwise. */
export type EgressLimit = {
  /** Nothing is let out, and what is open is closed. @defaultValue false */
  readonly isOffline?: boolean
  /** Narrows the proxy's own. @defaultValue none */
  readonly policy?: EgressPolicy | undefined
}

export type EgressProxy = {
  /** Serves one connection of the guest's: an SSH channel, or any other duplex stream. Its errors are ours. */
  accept(stream: Duplex): void
  record(): EgressRecord[]
  /** Takes the place of the limit before. */
  limit(limit: EgressLimit): void
  /** Ends every connection. */
  close(): void
}

const defaultLimits = { connections: 256, idle: 300_000 }

/**
 * The way out of a job's machine in the `web` network mode: an HTTP proxy on streams, with no port of its own.
 *
 * `CONNECT host:port` opens a tunnel; `GET http://host/path` and the other methods are sent on. Ports 80 and 443 are
 * open, others as the policy says, for CONNECT just as for plain requests. A target is refused with 403 and a
 * sentence when its address is not public: private, loopback, link-local and the like, this host's own addresses
 * and every network that it is attached to, also when an IPv6 address wraps one of them.
 */
export function createEgressProxy(options: EgressProxyOptions): EgressProxy {
  const { policy, resolve = resolveName, onRequest, hostNetworks = hostNetworksOfThisHost } = options
  const refuse = options.refuse ?? ((address: string) => refuseAddress(address, hostNetworks()))
  const limits = { ...defaultLimits, ...options.limits }
  const records = createEgressRecords()
  const streams = new Set<Duplex>()
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 16, maxTotalSockets: limits.connections })
  const server = createServer({
    insecureHTTPParser: false,
    requireHostHeader: false,
    keepAliveTimeout: limits.idle,
  })

  let limit: EgressLimit = {}
  const offline = (): Reach | undefined =>
    limit.isOffline === true ? { kind: 'refused', reason: 'this step has no network' } : undefined
  const decideWay = async (target: Target): Promise<Reach> => {
    const policies = limit.policy === undefined ? [policy] : [policy, limit.policy]
    // Asked twice: it may have become so while the name was looked up.
    return offline() ?? (await reach(target, { policies, resolve, refuse }).then((way) => offline() ?? way))
  }

  /** Puts a request on the record; gives the addresses to go to, or answers it and gives undefined. */
  const decide = async (method: string, target: Target, answer: Answer) => {
    const way = await decideWay(target)
    const record = records.of(target)
    record.requests++
    if (way.kind === 'open' && way.outsideAllowList) record.outsideAllowList = true
    const refused = way.kind === 'refused' ? way.reason : undefined
    record.refused = refused ?? record.refused
    onRequest?.({ method, host: target.host, port: target.port, refused })
    if (way.kind === 'open') return { record, addresses: way.addresses }
    if (way.kind === 'unresolved') answer(502, notReached(target, way.reason))
    else answer(403, `${target.host}:${target.port} was refused: ${way.reason}`)
    return undefined
  }

  const servePlain = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = answerOn(request, response)
    const target = readAbsoluteUrl(request.url ?? '')
    if (typeof target === 'string') return answer(400, target)
    const decided = await decide(request.method ?? 'GET', target, answer)
    if (decided === undefined || response.destroyed) return
    const { addresses, record } = decided
    const onFailure = (reason: string) => answer(502, notReached(target, reason))
    forwardRequest({ request, response, target, addresses, agent, record, onFailure })
  }

  const serveConnect = async (authority: string, client: Duplex, head: Buffer): Promise<void> => {
    const answer = answerRaw(client)
    const target = readAuthority(authority)
    if (typeof target === 'string') return answer(400, target)
    const gone = new AbortController()
    client.once('close', () => gone.abort())
    const decided = await decide('CONNECT', target, answer)
    if (decided === undefined || client.destroyed) return
    try {
      const upstream = await dial(decided.addresses, target.port, gone.signal)
      openTunnel({ client, upstream, head, record: decided.record })
    } catch (error) {
      answer(502, notReached(target, error instanceof Error ? error.message : String(error)))
    }
  }

  // Whatever goes wrong in deciding closes the way, never opens it.
  server.on('request', (request, response) => {
    servePlain(request, response).catch(() => response.destroy())
  })
  server.on('connect', (request, client, head) => {
    serveConnect(request.url ?? '', client, head).catch(() => client.destroy())
  })
  server.on('clientError', (_error, client) =>
    answerRaw(client)(400, 'expected an HTTP/1.1 request, got something else'),
  )

  return {
    accept(stream) {
      stream.on('error', () => stream.destroy())
      if (streams.size >= limits.connections) {
        return answerRaw(stream)(503, `expected at most ${limits.connections} connections at a time`)
      }
      streams.add(stream)
      stream.once('close', () => streams.delete(stream))
      server.emit('connection', stream)
      destroyWhenIdle(stream, limits.idle)
    },
    record: () => records.list(),
    limit(next) {
      limit = next
      if (next.isOffline === true) for (const stream of streams) stream.destroy()
    },
    close() {
      for (const stream of streams) stream.destroy()
      agent.destroy()
    },
  }
}

function notReached({ host, port }: Target, reason: string): string {
  return `${host}:${port} was not reached: ${reason}`
}

type Answer = (status: number, sentence: string) => void

function answerOn(request: IncomingMessage, response: ServerResponse): Answer {
  return (status, sentence) => {
    if (response.headersSent || response.destroyed) return
    const body = Buffer.from(`mayfly: ${sentence}\n`)
    response.writeHead(status, {
      'Content-Type': 'text/plain; charset=utf-8',
      'Content-Length': body.length,
      Connection: 'close',
    })
    response.end(body)
    request.resume()
  }
}

/** For a connection that is no longer Node's to answer on. */
function answerRaw(client: Duplex): Answer {
  return (status, sentence) => {
    if (client.destroyed || client.writableEnded) return
    const body = Buffer.from(`mayfly: ${sentence}\n`)
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/plain; charset=utf-8\r\n`
    client.write(`${head}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`)
    client.end(body)
    client.resume()
  }
}
