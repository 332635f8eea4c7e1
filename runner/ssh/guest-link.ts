import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import { timeLimit } from '../time-limit.ts'
import { connectSsh, type SshLogin } from './connect-ssh.ts'
import { waitForBanner } from './wait-for-banner.ts'

type GuestLinkOptions = {
  readonly port: () => number
  readonly login: SshLogin
  /** Set up what every connection needs, such as the way out of a `web` job. */
  readonly onConnect: (client: Client, signal: AbortSignal) => Promise<void>
  /** milliseconds a broken connection may take to be made anew */
  readonly reconnectMs?: number
}

const retryMs = 250

type Connection = { readonly opening: Promise<Client>; client?: Client }

/** The SSH connection to a machine, made anew when it broke. */
export class GuestLink {
  readonly #options: GuestLinkOptions
  #current: Connection | undefined
  #closed = false

  constructor(options: GuestLinkOptions) {
    this.#options = options
  }

  /** Adopts the first connection, which the boot gates made. */
  async adopt(client: Client, signal: AbortSignal): Promise<void> {
    this.#keep(Promise.resolve(client))
    await this.#options.onConnect(client, signal)
  }

  /** The open connection, or a new one. Throws InfraError('ssh-lost') when the guest does not let us in in time. */
  async connection(signal: AbortSignal): Promise<Client> {
    signal.throwIfAborted()
    if (this.#closed) throw new InfraError('ssh-lost', 'the connection to the machine was closed')
    const { opening } = this.#current ?? this.#keep(this.#connect(signal))
    return await opening
  }

  /** A connection beside the one that the job has, ended by whoever asked for it. Throws what connecting does. */
  async open(signal: AbortSignal): Promise<Client> {
    const { port, login } = this.#options
    const socket = await waitForBanner({ port: port(), signal })
    return await connectSsh({ socket, login, signal })
  }

  /** Gives up a connection that no longer serves: the next one is new, even if this one has not closed by then. */
  drop(client: Client): void {
    if (this.#current?.client === client) this.#current = undefined
    client.destroy()
  }

  close(): void {
    this.#closed = true
    this.#current?.opening.then((client) => client.destroy()).catch(() => undefined)
    this.#current = undefined
  }

  #keep(opening: Promise<Client>): Connection {
    const connection: Connection = { opening }
    const forget = () => {
      if (this.#current === connection) this.#current = undefined
    }
    this.#current = connection
    opening
      .then((client) => {
        connection.client = client
        client.once('close', forget)
      })
      .catch(forget)
    return connection
  }

  /** A server that is just starting, or is killed again, may show its banner and break off: one try is not enough. */
  async #connect(signal: AbortSignal): Promise<Client> {
    const { reconnectMs = 60_000 } = this.#options
    const limit = timeLimit(signal, reconnectMs)
    let cause: unknown
    try {
      for (;;) {
        try {
          return await this.#open(limit.signal)
        } catch (error) {
          signal.throwIfAborted()
          if (!limit.isOver()) cause = error
          if (limit.isOver() || this.#closed) throw lost(reconnectMs, cause ?? error)
        }
        await sleep(retryMs)
      }
    } finally {
      limit.clear()
    }
  }

  async #open(signal: AbortSignal): Promise<Client> {
    const client = await this.open(signal)
    try {
      await this.#options.onConnect(client, signal)
      return client
    } catch (error) {
      client.destroy()
      throw error
    }
  }
}

function lost(ms: number, cause: unknown): InfraError {
  return new InfraError('ssh-lost', `the machine let nobody in again within ${ms / 1000} s`, {
    hint: 'a step may have stopped sshd, filled the memory or cut the network; see the console',
    cause,
  })
}
