import type { Agent, IncomingMessage, ServerResponse } from 'node:http'
import { request as httpRequest } from 'node:http'
import type { Target } from './egress-policy.ts'
import type { EgressRecord } from './egress-record.ts'
import { forwardedHeaders, withHost } from './forwarded-headers.ts'

export type ForwardOptions = {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly target: Target & { readonly path: string }
  /** Checked; the connection goes to the first that answers and nowhere else. */
  readonly addresses: readonly string[]
  readonly agent: Agent
  readonly record: EgressRecord
  /** Called instead of an answer when the origin gave none. */
  readonly onFailure: (reason: string) => void
}

/** Sends one plain HTTP request on and its answer back, both as streams that wait for the slower side. */
export function forwardRequest(options: ForwardOptions): void {
  const { request, response, target, addresses, agent, record, onFailure } = options
  const host = target.port === 80 ? target.host : `${target.host}:${target.port}`
  const upstream = httpRequest({
    host: addresses[0],
    port: target.port,
    method: request.method,
    path: target.path,
    headers: [...withHost(forwardedHeaders(request.rawHeaders), host), ...framing(request)],
    setHost: false,
    agent,
  })
  let settled = false
  let connected = false

  upstream.on('response', (answer) => {
    settled = true
    answer.on('data', (chunk: Buffer) => {
      record.bytesReceived += chunk.length
    })
    answer.on('error', () => response.destroy())
    answer.on('close', () => {
      if (!answer.complete) response.destroy()
    })
    try {
      response.writeHead(answer.statusCode ?? 502, answer.statusMessage, forwardedHeaders(answer.rawHeaders))
    } catch {
      // Header bytes that Node's client takes and its server would not send.
      answer.destroy()
      return onFailure('its answer has malformed headers')
    }
    answer.pipe(response)
  })
  upstream.on('error', (error) => {
    const [, ...otherAddresses] = addresses
    const unanswered = !settled && !response.destroyed
    settled = true
    if (unanswered && !connected && otherAddresses.length > 0) {
      return forwardRequest({ ...options, addresses: otherAddresses })
    }
    // The origin closed a kept connection at the moment of its reuse: nothing was processed, so ask once more.
    if (unanswered && upstream.reusedSocket && !hasBody(request)) return forwardRequest(options)
    if (response.headersSent) response.destroy()
    else onFailure(error.message)
  })
  upstream.on('close', () => {
    if (!settled) onFailure('it closed the connection without an answer')
  })
  response.on('close', () => {
    if (!response.writableFinished) upstream.destroy()
  })

  // The body waits for the connection, so that the next address can be tried with all of it.
  upstream.on('socket', (socket) => {
    const begin = () => {
      connected = true
      if (!hasBody(request)) return void upstream.end()
      request.on('data', (chunk: Buffer) => {
        record.bytesSent += chunk.length
      })
      request.pipe(upstream)
    }
    if (socket.connecting) socket.once('connect', begin)
    else begin()
  })
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
}

/** Said outright: Node would send a GET's chunked body without any framing, as a second request. */
function framing({ headers, method = 'GET' }: IncomingMessage): string[] {
  if (headers['transfer-encoding'] !== undefined) return ['Transfer-Encoding', 'chunked']
  const expectsBody = ['POST', 'PUT', 'PATCH'].includes(method)
  return expectsBody && headers['content-length'] === undefined ? ['Content-Length', '0'] : []
}
