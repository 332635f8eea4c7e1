import type { Socket } from 'node:net'
import type { Channel, Client, Connection } from 'ssh2'

/**
 * What Mayfly uses of the insides of ssh2 1.17: it offers no way to say why something was refused, none to see how much
 * waits to be sent, and none to hold the other end to what it was allowed.
 */
export type Inside = {
  /** How many writes wait is known to its own state only; each takes far more memory than a small packet has bytes. */
  readonly _sock: Socket & { readonly _writableState: { readonly bufferedRequestCount: number } }
  readonly _chanMgr: {
    /** By number; what is still being opened is a function or true. */
    readonly _channels: Readonly<Record<number, Channel | unknown>>
    readonly _count: number
    get(channel: number): unknown
  }
  readonly _protocol: {
    /** What is done with each kind of packet; ssh2 looks a handler up for each one. */
    readonly _handlers: Handlers
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

/** The first argument of each is the protocol itself. */
type Handlers = {
  CHANNEL_OPEN(protocol: unknown, info: OpenInfo): void
  CHANNEL_OPEN_CONFIRMATION(protocol: unknown, info: OpenInfo & { readonly recipient: number }): void
  CHANNEL_OPEN_FAILURE(protocol: unknown, channel: number, reason: number, text: string): void
  CHANNEL_DATA(protocol: unknown, channel: number, data: Buffer): void
  CHANNEL_EXTENDED_DATA(protocol: unknown, channel: number, data: Buffer, type: number): void
}

type OpenInfo = { readonly sender: number; readonly window: number; readonly packetSize: number }

export function insideOf(connection: Connection | Client): Inside {
  return connection as unknown as Inside
}
