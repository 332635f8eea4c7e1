import type { MachineProfile, ShelfImage } from '../images/image.ts'

const digest = `sha256:${'ab'.repeat(32)}`

/** An image as the shelf would give it; nothing of it is on disk. */
export function shelfImage(name: string, profile: Partial<MachineProfile> = {}): ShelfImage {
  return {
    name,
    digest,
    provenance: {
      ...{ name, digest, created: '2026-01-02T03:04:05.000Z', packages: undefined },
      source: { kind: 'build', builder: name, inputs: 'one' },
    },
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
