import { randomBytes } from 'node:crypto'
import { sshStrings, uint32 } from './ssh-wire.ts'

type Ed25519Key = {
  /** 32 bytes, the private half. */
  readonly seed: Buffer
  /** 32 bytes, the public half. */
  readonly point: Buffer
  readonly comment: string
}

/**
 * The `openssh-key-v1` container around an ed25519 key, without encryption.
 *
 * @see PROTOCOL.key of OpenSSH
 */
export function opensshPrivateKey({ seed, point, comment }: Ed25519Key): string {
  // Twice the same number, by which a reader that decrypts sees that its passphrase was right.
  const check = randomBytes(4)
  const keys = pad(
    Buffer.concat([check, check, sshStrings('ssh-ed25519', point, Buffer.concat([seed, point]), comment)]),
  )
  const container = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshStrings('none', 'none', ''),
    uint32(1),
    sshStrings(sshStrings('ssh-ed25519', point), keys),
  ])
  const lines = container.toString('base64').match(/.{1,70}/g) ?? []
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`
}

// Filled with 1, 2, 3... to a multiple of the block size, which is 8 for the cipher `none`.
function pad(keys: Buffer): Buffer {
  const missing = (8 - (keys.length % 8)) % 8
  return Buffer.concat([keys, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))])
}
