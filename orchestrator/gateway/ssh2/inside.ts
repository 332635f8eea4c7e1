import type { Socket } from 'node:net'
import type { Client, Connection } from 'ssh2'

/**
 * What this folder uses of the insides of ssh2 1.17: it offers no way to say why something was refused, and none to
 * see how much waits to be sent.
 */
export type Inside = {
  readonly _sock: Socket
  readonly _protocol: {
    /** Set while keys are exchanged; packets wait in `_queue` then. */
    readonly _kexinit: unknown
    readonly _queue?: readonly Buffer[]
    readonly _packetRW: {
      readonly write: {
        readonly allocStart: number
        alloc(payloadSize: number): Buffer
        finalize(packet: Buffer): Buffer
      }
    }
    readonly _cipher: { encrypt(packet: Buffer): void }
    channelOpenFail(channel: number, reason: number, text: string): void
    channelClose(channel: number): void
    exitStatus(channel: number, status: number): void
    /** Throws on a signal that it does not know. */
    exitSignal(channel: number, signal: string, dumped: boolean, text: string): void
  }
}

export function insideOf(connection: Connection | Client): Inside {
  return connection as unknown as Inside
}
