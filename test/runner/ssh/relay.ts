import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export type Relay = {
  readonly port: number
  /** Connections are kept, and nothing more gets through: a guest that hangs. */
  freeze(): void
  /** Breaks every connection off; new ones get through. */
  cut(): void
}

/** Passes connections on to another port of this computer, until it is told not to. Closed after the test. */
export async function startRelay(to: number): Promise<Relay> {
  const pairs = new Set<[Socket, Socket]>()
  let frozen = false
  const server = createServer((socket) => {
    const target = connect(to, '127.0.0.1')
    const pair: [Socket, Socket] = [socket, target]
    pairs.add(pair)
    for (const [from, into] of [pair, [target, socket] as const]) {
      from.on('error', () => into.destroy())
      from.on('close', () => into.destroy())
      from.on('data', (chunk: Buffer) => {
        if (!frozen) into.write(chunk)
      })
    }
    socket.once('close', () => pairs.delete(pair))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const [socket] of pairs) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    freeze: () => {
      frozen = true
    },
    cut,
  }
}
