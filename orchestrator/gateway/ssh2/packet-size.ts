import type { Channel } from 'ssh2'
import { isSensiblePacketSize } from '../../../runner/ssh/ssh2/packet-size.ts'

/** Whether a client takes packets of a sensible size; of machines, `connectSsh` sees to it. */
export function hasSensiblePackets(channel: Channel): boolean {
  const { packetSize } = channel.outgoing as { packetSize: number }
  return isSensiblePacketSize(packetSize)
}
