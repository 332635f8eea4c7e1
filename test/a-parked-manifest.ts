import type { ParkedManifest } from '../runner/park/parked-manifest.ts'

/** What is known of a parked machine that nobody froze. */
export function aParkedManifest(over: Partial<ParkedManifest> = {}): ParkedManifest {
  return {
    format: 1,
    id: 'machine-1',
    made: '2026-07-01T10:00:00.000Z',
    resumeKey: '0123456789abcdef',
    arch: process.arch,
    qemu: '7.2.22',
    accel: 'tcg',
    image: { name: 'debian-12-local', digest: 'sha256:1234' },
    resources: { cpus: 2, memory: 2 ** 29, disk: 10 * 2 ** 30 },
    network: 'none',
    mac: '52:54:00:12:34:56',
    hasBase: true,
    bytes: 2 ** 27,
    ms: 4000,
    ...over,
  }
}
