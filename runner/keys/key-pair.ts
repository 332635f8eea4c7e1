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

// Both encodings of RFC 8410 end with the key at its full 32 bytes, leading zeros included. Encoded by the
// generator itself: exporting a generated key afterwards can block Node 20 for ever, when a garbage collection
// inside the export destroys the generator's job, which waits for the lock that the export holds.
function rawKeyPair(): { seed: Buffer; point: Buffer } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
    publicKeyEncoding: { type: 'spki', format: 'der' },
  })
  return { seed: privateKey.subarray(-32), point: publicKey.subarray(-32) }
}
