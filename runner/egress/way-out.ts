import type { Client, ClientChannel } from 'ssh2'
import { InfraError } from '../../config/errors.ts'
import { paceWrites } from '../ssh/ssh2/pace-writes.ts'
import type { EgressProxy } from './egress-proxy.ts'

/**
 * Where the proxy listens in the guest unless something there has the port: outside the range that guests give to
 * outgoing connections. Known beforehand, a guest can be told of its proxy before SSH is up.
 */
export const usualPort = 61_128

const attempts = 20
const retryMs = 500

/**
 * Offers the egress proxy inside a guest that has no other way out: a remote forward of its SSH connection, from a
 * port on the guest's loopback to the proxy, which has no port on this host at all.
 */
export class WayOut {
  readonly #proxy: EgressProxy
  #port: number | undefined

  /** `port`: the one that the guest has been told before. */
  constructor(proxy: EgressProxy, port?: number) {
    this.#proxy = proxy
    this.#port = port
  }

  /** Port on the guest's loopback, the same on every connection; undefined before the first. */
  get port(): number | undefined {
    return this.#port
  }

  get proxy(): EgressProxy {
    return this.#proxy
  }

  /** Sets the forward up on a connection. A port that an older connection still holds is waited for. */
  async attach(client: Client, signal: AbortSignal): Promise<void> {
    client.on('tcp connection', (_details, accept: () => ClientChannel) =>
      this.#proxy.accept(paceWrites(accept(), client)),
    )
    for (let attempt = 1; ; attempt++) {
      try {
        if (this.#port !== undefined) await forwardIn(client, this.#port)
        else this.#port = await forwardIn(client, usualPort).catch(() => forwardIn(client, 0))
        return
      } catch (error) {
        signal.throwIfAborted()
        if (attempt === attempts || this.#port === undefined) throw refused(error)
        await new Promise((resolve) => setTimeout(resolve, retryMs))
      }
    }
  }

  close(): void {
    this.#proxy.close()
  }
}

function forwardIn(client: Client, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    client.forwardIn('127.0.0.1', port, (error, bound) => {
      if (error) reject(error)
      else resolve(port === 0 ? bound : port)
    })
  })
}

function refused(cause: unknown): InfraError {
  return new InfraError(
    'boot',
    "the guest's SSH server does not forward a port to the proxy of `network: web`",
    {
      hint: 'AllowTcpForwarding has to be on in the image; `network: none` needs no forward',
      cause,
    },
  )
}
