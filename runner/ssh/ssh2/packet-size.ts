/** bytes; RFC 4253 section 6.1 makes everyone able to take 32 KiB */
const least = 512

/**
 * Whether the other end takes packets of a sensible size, in bytes. At 0, ssh2 would write for ever; at 1, a packet for
 * each byte.
 */
export function isSensiblePacketSize(bytes: number): boolean {
  return bytes >= least
}
