import type { MachineProfile, ShelfImage } from '../images/image.ts'

/** An image as the shelf would give it; nothing of it is on disk. */
export function shelfImage(name: string, profile: Partial<MachineProfile> = {}): ShelfImage {
  return {
    name,
    digest: `sha256:${'ab'.repeat(32)}`,
    disk: '/nowhere/disk.qcow2',
    virtualSize: 2 ** 31,
    kernel: undefined,
    profile: {
      user: 'ci',
      firmware: 'bios',
      diskBus: 'virtio',
      nic: 'virtio',
      resources: {},
      readyPattern: 'login:',
      seed: 'mayfly',
      userData: undefined,
      ...profile,
    },
  }
}
