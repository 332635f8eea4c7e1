import { type CatalogueEntry, entryDefaults } from './entry.ts'

const releases = 'https://cloud.debian.org/images/cloud'

/**
 * https://cloud.debian.org/images/cloud: genericcloud is the small one, whose kernel has no AHCI and so wants its
 * CD on `-machine pc`. `debian-12-local` is made on this host from Debian packages.
 */
export const debianImages: readonly CatalogueEntry[] = [
  {
    ...entryDefaults,
    name: 'debian-12',
    title: 'Debian 12 (bookworm)',
    url: `${releases}/bookworm/latest/debian-12-genericcloud-amd64.qcow2`,
    checksum: { url: `${releases}/bookworm/latest/SHA512SUMS`, algorithm: 'sha512' },
    user: 'debian',
    resources: { cpus: 2, memory: 2 * 2 ** 30, disk: 10 * 2 ** 30 },
    downloadSize: 350e6,
  },
  {
    ...entryDefaults,
    name: 'debian-13',
    title: 'Debian 13 (trixie)',
    url: `${releases}/trixie/latest/debian-13-genericcloud-amd64.qcow2`,
    checksum: { url: `${releases}/trixie/latest/SHA512SUMS`, algorithm: 'sha512' },
    user: 'debian',
    resources: { cpus: 2, memory: 2 * 2 ** 30, disk: 10 * 2 ** 30 },
    downloadSize: 350e6,
  },
  {
    ...entryDefaults,
    name: 'debian-12-local',
    title: 'Debian 12, built on this host for quick starts',
    build: 'debian-12-local',
    user: 'ci',
    resources: { cpus: 2, memory: 2 ** 30, disk: 10 * 2 ** 30 },
    seed: 'mayfly',
  },
]
