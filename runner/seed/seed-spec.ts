import { ConfigError } from '../../config/errors.ts'
import type { KeyPair } from '../keys/key-pair.ts'

/** Everything that a machine learns from its seed CD. */
export type SeedSpec = {
  /** cloud-init's instance id: another one means a first boot. */
  readonly machineId: string
  /** 1 to 63 of a-z, 0-9 and `-`. */
  readonly hostname: string
  readonly user: string
  /** The job's key, `ssh-ed25519 AAAA... comment`. */
  readonly publicKey: string
  /** The machine's own key, which the runner pins. */
  readonly hostKey: KeyPair
  /** Read back over SSH, so that a boot is never taken for another. */
  readonly nonce: string
  /** Who reads the CD, see `MachineProfile`. */
  readonly seed: 'mayfly' | 'cloud-init'
  /** Custom user-data, the image's before the job's. */
  readonly userData: readonly (string | undefined)[]
  /** MAC addresses of the network cards in order; the first becomes eth0. */
  readonly macs: readonly string[]
}

/**
 * Everything here ends up in YAML and in a shell script that runs as root, so each value has to look as expected.
 *
 * @throws {ConfigError} naming the value; a machine without a key would be one that nobody can enter
 */
export function checkSeedSpec(spec: SeedSpec): void {
  check('a machine id', spec.machineId, /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/)
  check('a hostname of 1 to 63 of a-z, 0-9 and -', spec.hostname, /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
  check('a login user', spec.user, /^[a-z_][a-z0-9_-]{0,31}$/)
  check('a nonce of letters and digits', spec.nonce, /^[A-Za-z0-9_-]{8,128}$/)
  check("the job's public key in one line", spec.publicKey, publicKey)
  check("the machine's public host key in one line", spec.hostKey.publicKey, publicKey)
  check("the machine's private host key", spec.hostKey.privateKey, privateKey, 'something else')
  for (const mac of spec.macs) check('a MAC address', mac, /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/)
}

/** `'` is left out of the comment because the script holds the line between two of them. */
const publicKey = /^ssh-ed25519 AAAA[A-Za-z0-9+/]{64}(?: [\x20-\x26\x28-\x7e]{1,100})?$/
const privateKey =
  /^-----BEGIN OPENSSH PRIVATE KEY-----\n(?:[A-Za-z0-9+/=]{1,70}\n)+-----END OPENSSH PRIVATE KEY-----\n$/

function check(expected: string, value: string, pattern: RegExp, shown = JSON.stringify(value)): void {
  if (pattern.test(value)) return
  throw new ConfigError(`Expected ${expected} for the seed CD, got ${shown}`, {
    hint: 'A machine starts only with a key, a hostname and a login user; see `user:` of the image.',
  })
}
