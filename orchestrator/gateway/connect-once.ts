import type { Client } from 'ssh2'
import type { GatewayOptions } from './gateway.ts'

type ConnectOnce = {
  connect: GatewayOptions['connect']
  job: string
  /** Aborted when the session is over; ends the connection. */
  signal: AbortSignal
  onLost: (why: string) => void
}

/** ms that a guest gets to take leave */
const lingerMs = 2_000

/** A session's one connection to its machine, made when it is first needed; after a failure it is tried again. */
export function connectOnce({ connect, job, signal, onLost }: ConnectOnce): () => Promise<Client> {
  let connecting: Promise<Client> | undefined
  const begin = async () => {
    const client = await connect(job, signal)
    client.on('error', (error) => onLost(`the connection to the machine broke: ${error.message}`))
    client.once('close', () => onLost('the machine closed the connection'))
    if (signal.aborted) endClient(client)
    else signal.addEventListener('abort', () => endClient(client), { once: true })
    signal.throwIfAborted()
    return client
  }
  return () => {
    connecting ??= begin().catch((error: unknown) => {
      connecting = undefined
      throw error
    })
    return connecting
  }
}

function endClient(client: Client): void {
  const timer = setTimeout(() => client.destroy(), lingerMs)
  client.once('close', () => clearTimeout(timer))
  client.end()
}
