import { createHash, generateKeyPairSync } from 'node:crypto'
import { ConfigError } from '../../config/errors.ts'
import { opensshPrivateKey } from './openssh-private-key.ts'
import { sshStrings } from './ssh-wire.ts'

export type KeyPair = {
  /** OpenSSH's own PEM, unencrypted; lives in memory only. */
  readonly privateKey: string
  /** `ssh-ed25519 AAAA... comment`, one line without its newline. */
  readonly publicKey: string
  /** `SHA256:...` as ssh-keygen -l prints it. */
  readonly fingerprint: string
}

/**
 * A fresh ed25519 key pair, for one machine and one job.
 * Ours because ssh2's generator drops leading zero bytes and breaks one key in 250 (mscdex/ssh2#1390).
 *
 * @param comment printable ASCII, at most 100 characters
 * @throws {ConfigError} on any other comment
 */
export function makeKeyPair(comment: string): KeyPair {
  if (!/^[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?$/.test(comment)) {
    throw new ConfigError(
      `Expected a key comment of 1 to 100 printable ASCII characters, got ${JSON.stringify(comment)}`,
      { hint: 'Use the name of the machine.' },
    )
  }
  const { seed, point } = rawKeyPair()
  const blob = sshStrings('ssh-ed25519', point)
  return {
    privateKey: opensshPrivateKey({ seed, point, comment }),
    publicKey: `ssh-ed25519 ${blob.toString('base64')} ${comment}`,
    fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`,
  }
}

// A JWK (RFC 8037) has both halves at their full 32 bytes, leading zeros included.
function rawKeyPair(): { seed: Buffer; point: Buffer } {
  const { d, x } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return { seed: Buffer.from(d ?? '', 'base64url'), point: Buffer.from(x ?? '', 'base64url') }
}
