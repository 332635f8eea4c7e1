import { createHash, createPublicKey } from 'node:crypto'
import ssh2 from 'ssh2'
import { ConfigError } from '../../config/errors.ts'

export type PublicKey = {
  /** `ssh-ed25519`, `ecdsa-sha2-nistp256`, `-nistp384`, `-nistp521` or `ssh-rsa` */
  readonly type: string
  /** As it goes over the wire; two keys are the same when these bytes are. */
  readonly blob: Buffer
  /** `SHA256:...` as ssh-keygen -l prints it. */
  readonly fingerprint: string
  /** What stood after the key, often `user@host`; may be empty. */
  readonly comment: string
}

const expected = 'expected a public key in one line, as in ~/.ssh/id_ed25519.pub: "ssh-ed25519 AAAA… name"'
const types = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521', 'ssh-rsa']
const leastRsaBits = 2048

/**
 * Reads one public key as OpenSSH writes it, without options before it.
 *
 * @throws {ConfigError} that says what was expected; it never repeats what may be a private key
 */
export function parsePublicKey(line: string): PublicKey {
  const [type = '', base64 = '', ...comment] = line.trim().split(/\s+/)
  if (line.includes('PRIVATE KEY')) {
    throw wrong('got a private key, which must not leave its computer', 'give the file that ends with .pub')
  }
  if (!types.includes(type)) throw wrongType(type)
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) throw wrong('got no base64 text after its type')
  const blob = Buffer.from(base64, 'base64')
  const key = ssh2.utils.parseKey(`${type} ${base64}`)
  // The blob is compared with what a client shows, so it must be the one way to write this key.
  if (key instanceof Error || key.type !== type || !key.getPublicSSH().equals(blob)) {
    throw wrong(`got one of type ${type} whose second word is cut off or changed`, 'copy the whole line')
  }
  if (type === 'ssh-rsa') checkRsa(key.getPublicPEM())
  return { type, blob, fingerprint: fingerprintOf(blob), comment: comment.join(' ') }
}

/** `SHA256:...` of a key as it goes over the wire. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}

function wrongType(type: string): ConfigError {
  if (type === '') return wrong('got nothing')
  if (/^(?:sk-|.*-cert-v01@)/.test(type)) {
    return wrong(
      `got the type ${type.slice(0, 60)}, which the gateway cannot check`,
      'use a plain ed25519 key: ssh-keygen -t ed25519',
    )
  }
  if (type === 'ssh-dss')
    return wrong('got a DSA key, which is broken', 'make another: ssh-keygen -t ed25519')
  const hint = 'options like from="…" or command="…" before the key are not supported'
  return wrong(`got a line that begins with ${JSON.stringify(type.slice(0, 40))}`, hint)
}

function checkRsa(pem: string): void {
  const bits = createPublicKey(pem).asymmetricKeyDetails?.modulusLength ?? 0
  if (bits >= leastRsaBits) return
  throw wrong(
    `got an RSA key of ${bits} bits, fewer than ${leastRsaBits}`,
    'make another: ssh-keygen -t ed25519',
  )
}

function wrong(found: string, hint?: string): ConfigError {
  return new ConfigError(`${expected}; ${found}`, { hint })
}
