import type { Channel, Client } from 'ssh2'
import { InfraError } from '../../../config/errors.ts'
import { type Inside, insideOf } from './inside.ts'
import { isSensiblePacketSize } from './packet-size.ts'

const mib = 1024 * 1024

/**
 * bytes. ssh2 opens the one window of a channel, of 2 MiB, for either of its two streams, so that a peer which keeps to
 * the rules can have 6 MiB unread.
 */
const mostUnread = 8 * mib
/** bytes over all channels of a connection; those of the egress proxy stall with the far ends that they lead to. */
const mostUnreadInAll = 128 * mib
/** bytes that wait to be sent: answers to questions that are asked without end, by a peer that reads none of them */
const mostUnsent = 32 * mib
/** packets of the same; one of no content takes some 400 bytes of memory */
const mostUnsentPackets = 50_000
/** packets that wait for the end of a key exchange */
const mostQueued = 10_000
/** More than the egress proxy serves and the job itself uses. */
const mostChannels = 512
/** A peer may ask for new keys once for so many bytes, beyond the first few times; OpenSSH does so once for 1 GiB. */
const bytesPerKeys = mib
const freeKeyExchanges = 16

const connectFailed = 2
const resourceShortage = 4

const faults = new WeakMap<Client, InfraError>()

/** Why a connection was cut off here; undefined where it was not. */
export function peerFault(client: Client): InfraError | undefined {
  return faults.get(client)
}

/**
 * Holds the server at the other end of a connection to what it was allowed, where ssh2 does not: it would write for ever
 * into packets of no size, keep whatever comes beyond a window, and answer whoever reads no answer. The server is the
 * guest's, and a job can replace it. A channel that cannot be used fails to open; whoever breaks a rule is cut off, with
 * an InfraError('ssh-lost') as the connection's 'error'.
 *
 * To be called at once after `connect()`, before the first packet.
 */
export function guardPeer(client: Client): void {
  const inside = insideOf(client)
  const { _sock: socket, _protocol: protocol } = inside
  const breakOff = (what: string) => {
    if (faults.has(client)) return
    const fault = new InfraError('ssh-lost', `the machine's SSH server ${what}, and was cut off`)
    faults.set(client, fault)
    client.emit('error', fault)
    socket.destroy()
  }
  guardOpening(inside)
  guardData(inside, breakOff, () => faults.has(client))
  let keyExchanges = 0
  client.on('handshake', () => {
    keyExchanges++
    const free = freeKeyExchanges + socket.bytesRead / bytesPerKeys
    if (keyExchanges > free) breakOff('asked for new keys without end')
  })
  // After ssh2's own listener, which answers.
  socket.on('data', () => {
    const queued = protocol._queue?.length ?? 0
    const packets = socket._writableState.bufferedRequestCount
    if (socket.writableLength > mostUnsent || packets > mostUnsentPackets || queued > mostQueued)
      breakOff('reads nothing of what it asked for')
  })
}

function guardOpening({ _chanMgr: channels, _protocol: protocol }: Inside): void {
  const { _handlers: handlers } = protocol
  const confirm = handlers.CHANNEL_OPEN_CONFIRMATION
  handlers.CHANNEL_OPEN_CONFIRMATION = (self, info) => {
    if (isSensiblePacketSize(info.packetSize) || typeof channels.get(info.recipient) !== 'function') {
      return confirm(self, info)
    }
    protocol.channelClose(info.sender)
    const why = 'the machine asked for packets of next to no size'
    handlers.CHANNEL_OPEN_FAILURE(self, info.recipient, connectFailed, why)
  }
  const open = handlers.CHANNEL_OPEN
  handlers.CHANNEL_OPEN = (self, info) => {
    if (isSensiblePacketSize(info.packetSize) && channels._count < mostChannels) open(self, info)
    else protocol.channelOpenFail(info.sender, resourceShortage, '')
  }
}

function guardData(inside: Inside, breakOff: (what: string) => void, isCut: () => boolean): void {
  const { _chanMgr: channels, _protocol: protocol } = inside
  const { _handlers: handlers } = protocol
  let unchecked = 0
  const check = (number: number, data: Buffer, handle: () => void) => {
    // What is left of the bytes that came with the packet that broke a rule.
    if (isCut()) return
    const channel = channels.get(number)
    if (!isChannel(channel)) return handle()
    if (channel.incoming.state !== 'open') return breakOff('sent data after their end')
    if (data.length > channel.incoming.window) return breakOff('sent more than it was allowed to')
    handle()
    unchecked += data.length
    if (unreadOf(channel) > mostUnread) return breakOff('sent more than it was allowed to')
    if (unchecked < mib) return
    unchecked = 0
    const unread = Object.values(channels._channels).reduce<number>(
      (sum, other) => sum + (isChannel(other) ? unreadOf(other) : 0),
      0,
    )
    if (unread > mostUnreadInAll) breakOff(`sent ${Math.round(unread / mib)} MiB that nothing takes`)
  }
  const onData = handlers.CHANNEL_DATA
  handlers.CHANNEL_DATA = (self, number, data) => check(number, data, () => onData(self, number, data))
  const onExtended = handlers.CHANNEL_EXTENDED_DATA
  handlers.CHANNEL_EXTENDED_DATA = (self, number, data, type) =>
    check(number, data, () => onExtended(self, number, data, type))
}

type Open = Channel & { readonly incoming: { readonly window: number; readonly state: string } }

function isChannel(value: unknown): value is Open {
  return typeof value === 'object' && value !== null
}

/** An SFTP session keeps nothing unread: it takes its packets apart as they come. */
function unreadOf({ readableLength, stderr }: Channel): number {
  const errors = stderr && 'readableLength' in stderr ? stderr.readableLength : 0
  return (readableLength ?? 0) + errors
}
