import type { Channel } from 'ssh2'

/** bytes; RFC 4253 section 6.1 makes everyone able to take 32 KiB */
const least = 512

/**
 * Whether the other end takes packets of a sensible size. At 0, ssh2 would write for ever; at 1, a packet for each byte.
 */
export function hasSensiblePackets(channel: Channel): boolean {
  const { packetSize } = channel.outgoing as { packetSize: number }
  return packetSize >= least
}
