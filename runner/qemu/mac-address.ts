import { createHash } from 'node:crypto'

/**
 * The MAC address of a machine's card, counted from 0: QEMU's own locally administered prefix, then 24 bits of the
 * machine id's hash, to which the card's number is added, so that one machine's cards never share an address.
 */
export function macAddress(machineId: string, card = 0): string {
  const hash = createHash('sha256').update(machineId).digest().readUIntBE(0, 3)
  const digits = ((hash + card) % 2 ** 24).toString(16).padStart(6, '0')
  return `52:54:00:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4)}`
}
