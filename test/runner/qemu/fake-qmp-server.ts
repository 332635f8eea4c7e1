import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

export const greeting = { QMP: { version: { qemu: { major: 7, minor: 2, micro: 22 } }, capabilities: [] } }

export type QmpCommand = { readonly execute: string; readonly arguments?: unknown; readonly id: number }

type Behaviour = {
  /** Sent as soon as someone connects. @defaultValue the greeting */
  readonly hello?: string
  /** Called for each command but qmp_capabilities, which is granted. */
  readonly onCommand?: (command: QmpCommand, socket: Socket) => void
}

/** A QMP server on a unix socket that does as the test says. */
export async function fakeQmpServer(path: string, { hello = line(greeting), onCommand }: Behaviour) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.write(hello)
    createInterface(socket).on('line', (text) => {
      const command = JSON.parse(text) as QmpCommand
      if (command.execute === 'qmp_capabilities') socket.write(line({ return: {}, id: command.id }))
      else onCommand?.(command, socket)
    })
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** One message as it goes over the wire. */
export function line(message: unknown): string {
  return `${JSON.stringify(message)}\r\n`
}
