import type { Server, Socket } from 'node:net'
import { connect, createServer } from 'node:net'
import type { EgressProxy } from '../../../runner/egress/egress-proxy.ts'

/** A real socket whose other end the proxy serves, as an SSH channel's other end would be. */
export async function openClient(proxy: EgressProxy): Promise<Socket> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close()
    proxy.accept(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  client.on('error', () => undefined)
  return client
}

/** Sends raw bytes and gives everything that comes until the proxy ends the connection. */
export async function ask(proxy: EgressProxy, raw: string): Promise<string> {
  const client = await openClient(proxy)
  client.write(raw)
  return readAll(client)
}

export async function readAll(client: Socket): Promise<string> {
  let text = ''
  try {
    for await (const chunk of client) text += (chunk as Buffer).toString('latin1')
  } catch {
    // A connection that the proxy broke off: what came before is the answer.
  }
  return text
}

/** Reads until what came matches; the rest stays in the socket. */
export function readUntil(client: Socket, wanted: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const onData = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!wanted.test(text)) return
      client.off('data', onData)
      client.pause()
      resolve(text)
    }
    client.on('data', onData)
    client.resume()
    client.once('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`)))
  })
}
