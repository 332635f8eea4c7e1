import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Received = {
  readonly method: string
  /** Path and query as they came. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly raw: string
  readonly body: Record<string, unknown>
  readonly at: number
  /** Status that it got; 999 for no answer. */
  readonly answered: number
}

/** What to answer; undefined for never, `reset` for the end of the connection. */
export type Reply = { status: number; headers?: Record<string, string>; body?: string } | 'reset' | undefined

export type StandIn = {
  /** `http://<address>:<port>` */
  readonly url: string
  readonly received: Received[]
  /** Taken one for each request; 201 when there are no more. */
  readonly replies: Reply[]
  stop(): Promise<void>
}

/** A forge's API on loopback that keeps what it is told and answers as it is bidden. */
export async function startStandIn(address = '127.0.0.1'): Promise<StandIn> {
  const received: Received[] = []
  const replies: Reply[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString()
      const reply = replies.length > 0 ? replies.shift() : { status: 201 }
      received.push({
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        raw,
        body: raw === '' ? {} : JSON.parse(raw),
        at: Date.now(),
        answered: typeof reply === 'object' ? reply.status : 999,
      })
      if (reply === undefined) return
      if (reply === 'reset') return void request.socket.resetAndDestroy()
      response.writeHead(reply.status, reply.headers).end(reply.body ?? '{}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${address}:${port}`,
    received,
    replies,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
