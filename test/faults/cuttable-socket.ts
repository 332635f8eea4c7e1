import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

export type CuttableSocket = {
  /** Ends every connection, and takes no new one until `mend`. */
  cut(): void
  mend(): void
  close(): Promise<void>
}

/** A unix socket before another, as a network that can be cut. */
export async function cuttableSocket(path: string, target: string): Promise<CuttableSocket> {
  const open = new Set<Socket>()
  let isCut = false
  const server = createServer((front) => {
    if (isCut) return void front.destroy()
    const back = connect(target)
    for (const socket of [front, back]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        front.destroy()
        back.destroy()
      })
    }
    front.pipe(back).pipe(front)
  })
  server.listen(path)
  await once(server, 'listening')
  const cutAll = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    cut: () => {
      isCut = true
      cutAll()
    },
    mend: () => {
      isCut = false
    },
    close: async () => {
      cutAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
