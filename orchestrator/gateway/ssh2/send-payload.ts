import type { Inside } from '../../../runner/ssh/ssh2/inside.ts'

/**
 * Sends a packet of our own making. While keys are exchanged it is left out: nothing but key exchange may be sent
 * then, and what is sent here is text that a user can do without.
 */
export function sendPayload({ _protocol: protocol }: Inside, payload: Buffer): void {
  if (protocol._kexinit !== undefined) return
  const { write } = protocol._packetRW
  const packet = write.alloc(payload.length)
  packet.set(payload, write.allocStart)
  protocol._cipher.encrypt(write.finalize(packet))
}
