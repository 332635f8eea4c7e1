import { type CatalogueEntry, entryDefaults } from './entry.ts'

const rocky = 'https://dl.rockylinux.org/pub/rocky/9/images/x86_64'
const alma = 'https://repo.almalinux.org/almalinux/9/cloud/x86_64/images'

/** Their userland is compiled for x86-64-v2: QEMU's `qemu64` lacks it and init dies, `max` and `host` have it. */
const cpuNote = 'Needs a CPU of level x86-64-v2, such as -cpu max under TCG.'

export const enterpriseLinuxImages: readonly CatalogueEntry[] = [
  {
    ...entryDefaults,
    name: 'rocky-9',
    title: 'Rocky Linux 9',
    url: `${rocky}/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2`,
    checksum: {
      url: `${rocky}/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2.CHECKSUM`,
      algorithm: 'sha256',
    },
    user: 'rocky',
    resources: { cpus: 2, memory: 2 * 2 ** 30, disk: 10 * 2 ** 30 },
    downloadSize: 650e6,
    note: cpuNote,
  },
  {
    ...entryDefaults,
    name: 'almalinux-9',
    title: 'AlmaLinux 9',
    url: `${alma}/AlmaLinux-9-GenericCloud-latest.x86_64.qcow2`,
    checksum: { url: `${alma}/CHECKSUM`, algorithm: 'sha256' },
    user: 'almalinux',
    resources: { cpus: 2, memory: 2 * 2 ** 30, disk: 10 * 2 ** 30 },
    downloadSize: 500e6,
    note: cpuNote,
  },
]
