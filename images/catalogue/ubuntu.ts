import { type CatalogueEntry, entryDefaults } from './entry.ts'

const releases = 'https://cloud-images.ubuntu.com'

/** https://cloud-images.ubuntu.com: the `.img` files are qcow2. */
export const ubuntuImages: readonly CatalogueEntry[] = [
  {
    ...entryDefaults,
    name: 'ubuntu-22.04',
    title: 'Ubuntu 22.04 LTS (Jammy Jellyfish)',
    url: `${releases}/jammy/current/jammy-server-cloudimg-amd64.img`,
    checksum: { url: `${releases}/jammy/current/SHA256SUMS`, algorithm: 'sha256' },
    user: 'ubuntu',
    resources: { cpus: 2, memory: 2 * 2 ** 30, disk: 10 * 2 ** 30 },
    downloadSize: 670e6,
  },
  {
    ...entryDefaults,
    name: 'ubuntu-24.04',
    title: 'Ubuntu 24.04 LTS (Noble Numbat)',
    url: `${releases}/noble/current/noble-server-cloudimg-amd64.img`,
    checksum: { url: `${releases}/noble/current/SHA256SUMS`, algorithm: 'sha256' },
    user: 'ubuntu',
    resources: { cpus: 2, memory: 2 * 2 ** 30, disk: 10 * 2 ** 30 },
    downloadSize: 720e6,
  },
]
