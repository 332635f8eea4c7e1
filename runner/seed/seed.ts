import { baseCloudConfig } from './cloud-config.ts'
import { type IsoFile, isoImage } from './iso9660.ts'
import { mayflyScript } from './mayfly-script.ts'
import { networkConfig } from './network-config.ts'
import { checkSeedSpec, type SeedSpec } from './seed-spec.ts'
import { mergeUserData } from './user-data.ts'

/**
 * The NoCloud CD of one machine, ready to be written to its folder.
 *
 * @throws {ConfigError} when there is no key to put on it, or when custom user-data cannot be read
 */
export function makeSeed(spec: SeedSpec, modified: Date = new Date()): Buffer {
  return isoImage({ volumeId: 'cidata', files: seedFiles(spec), modified })
}

/**
 * The files of the CD: `user-data`, `meta-data` and `network-config` for cloud-init. For an image with our own
 * unit also `mayfly.sh`, which that unit runs as root before sshd, and an empty `custom-user-data`
 * when cloud-init has to run after SSH is up.
 */
export function seedFiles(spec: SeedSpec): IsoFile[] {
  checkSeedSpec(spec)
  const { machineId, hostname, seed, userData, macs } = spec
  const base = baseCloudConfig({ ...spec, hostKey: seed === 'cloud-init' ? spec.hostKey : undefined })
  const cloudInit = [
    { name: 'user-data', content: mergeUserData({ base, layers: userData }) },
    { name: 'meta-data', content: text(`instance-id: "${machineId}"\nlocal-hostname: "${hostname}"\n`) },
    { name: 'network-config', content: text(networkConfig(seed === 'cloud-init' ? macs : [])) },
  ]
  if (seed === 'cloud-init') return cloudInit
  const script = { name: 'mayfly.sh', content: text(mayflyScript(spec)) }
  const flag = hasCustomUserData(userData) ? [{ name: 'custom-user-data', content: Buffer.alloc(0) }] : []
  return [...cloudInit, script, ...flag]
}

/** Whether any layer says something, for which cloud-init has to run. */
export function hasCustomUserData(layers: readonly (string | undefined)[]): boolean {
  return layers.some((layer) => layer !== undefined && layer.trim() !== '')
}

function text(content: string): Buffer {
  return Buffer.from(content, 'utf8')
}
