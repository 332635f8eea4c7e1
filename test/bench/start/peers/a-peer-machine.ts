import type { PeerMachine } from './peer-machine.ts'

/** A machine for peers, none of whose files exist, for tests. */
export const aPeerMachine: PeerMachine = {
  disk: '/shelf/disk.qcow2',
  kernel: { image: '/shelf/kernel', initrd: '/shelf/initrd', append: 'root=/dev/vda rw console=ttyS0' },
  cpus: 2,
  memory: 1024,
  accel: 'tcg',
  user: 'ci',
  seed: '/peers/seed.iso',
  key: '/peers/key',
  folder: '/peers',
}
