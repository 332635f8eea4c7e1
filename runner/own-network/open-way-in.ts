import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { InfraError } from '../../config/errors.ts'

type WayIn = {
  /** slirp4netns's API socket. */
  readonly socket: string
  /** Where something listens in the machine's own network. */
  readonly port: number
  readonly signal: AbortSignal
}

const tries = 20

/**
 * Leads a port of this host's 127.0.0.1 into a machine's own network, and gives that port. slirp4netns takes no port 0;
 * one that was free a moment ago is tried then, and another where it is taken by now.
 *
 * Throws InfraError('boot'), or the signal's reason.
 */
export async function openWayIn({ socket, port, signal }: WayIn): Promise<number> {
  let answer = ''
  for (let count = 0; count < tries; count++) {
    const free = await freePort()
    answer = await ask(socket, {
      execute: 'add_hostfwd',
      arguments: { proto: 'tcp', host_addr: '127.0.0.1', host_port: free, guest_port: port },
    })
    signal.throwIfAborted()
    if (isDone(answer)) return free
  }
  throw new InfraError('boot', `slirp4netns opened no way into the machine's network: ${answer}`)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('expected a port of 127.0.0.1')
  return address.port
}

async function ask(path: string, request: object): Promise<string> {
  try {
    const socket = connect({ path })
    socket.end(JSON.stringify(request))
    return await text(socket)
  } catch (cause) {
    throw new InfraError('boot', 'slirp4netns does not answer', { cause })
  }
}

function isDone(answer: string): boolean {
  try {
    return z.object({ return: z.object({}) }).safeParse(JSON.parse(answer)).success
  } catch {
    return false
  }
}
