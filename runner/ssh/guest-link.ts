import type { Client } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
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

/** The SSH connection to a machine, made anew when it broke. */
export class GuestLink {
  readonly #options: GuestLinkOptions
  #current: Promise<Client> | undefined
  #closed = false

  constructor(options: GuestLinkOptions) {
    this.#options = options
  }

  /** Adopts the first connection, which the boot gates made. */
  async adopt(client: Client, signal: AbortSignal): Promise<void> {
    this.#keep(Promise.resolve(client))
    client.once('close', () => this.#forget())
    await this.#options.onConnect(client, signal)
  }

  /** The open connection, or a new one. Throws InfraError('ssh-lost') when the guest does not let us in in time. */
  async connection(signal: AbortSignal): Promise<Client> {
    signal.throwIfAborted()
    if (this.#closed) throw new InfraError('ssh-lost', 'the connection to the machine was closed')
    this.#current ?? this.#keep(this.#connect(signal))
    return await (this.#current as Promise<Client>)
  }

  close(): void {
    this.#closed = true
    this.#current?.then((client) => client.destroy()).catch(() => undefined)
    this.#forget()
  }

  #keep(connecting: Promise<Client>): void {
    this.#current = connecting
    connecting.catch(() => this.#forget())
  }

  #forget(): void {
    this.#current = undefined
  }

  async #connect(signal: AbortSignal): Promise<Client> {
    const { login, onConnect, reconnectMs = 60_000 } = this.#options
    const timeout = AbortSignal.timeout(reconnectMs)
    const both = AbortSignal.any([signal, timeout])
    try {
      const socket = await waitForBanner({ port: this.#options.port(), signal: both })
      const client = await connectSsh({ socket, login, signal: both })
      client.once('close', () => this.#forget())
      await onConnect(client, both)
      return client
    } catch (error) {
      signal.throwIfAborted()
      throw new InfraError('ssh-lost', `the machine let nobody in again within ${reconnectMs / 1000} s`, {
        hint: 'a step may have stopped sshd, filled the memory or cut the network; see the console',
        cause: error,
      })
    }
  }
}
