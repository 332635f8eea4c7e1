/** What of this host one machine may come to take, in bytes. */
export type MemoryNeed = {
  /** The guest's. */
  readonly guest: number
  /** What QEMU takes beside it. */
  readonly own: number
}

/** QEMU itself, its buffers and the pages that the kernel keeps for it. */
const ownMemory = 256 * 2 ** 20
/** As much translated code as QEMU keeps when it emulates: `tb-size` in its argv. A booted Debian has used half. */
const translatedCode = 512 * 2 ** 20

/** Of a machine whose guest has so many bytes. */
export function memoryNeed(guest: number, accel: 'kvm' | 'tcg'): MemoryNeed {
  return { guest, own: accel === 'kvm' ? ownMemory : ownMemory + translatedCode }
}
