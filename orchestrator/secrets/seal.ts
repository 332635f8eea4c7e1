import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'

/** 32 bytes, and the first 16 hex digits of their hash, by which a sealed value says what opens it. */
export type SecretsKey = { readonly id: string; readonly bytes: Buffer }

/** What a value belongs to; moved to another place, it does not open. */
export type SealedFor = { readonly scope: string; readonly name: string }

const version = 'v1'
const nonceLength = 12
const tagLength = 16

export function newSecretsKey(): SecretsKey {
  return secretsKeyOf(randomBytes(32))
}

export function secretsKeyOf(bytes: Buffer): SecretsKey {
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 16), bytes }
}

/** `v1:<key id>:<base64 of nonce, ciphertext, tag>`, AES-256-GCM with a random nonce (NIST SP 800-38D, 8.2.2). */
export function seal(key: SecretsKey, place: SealedFor, value: string): string {
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagLength })
  cipher.setAAD(associatedData(key, place))
  const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${version}:${key.id}:${sealed.toString('base64')}`
}

/** The id of the key that opens a sealed value; undefined where it is no sealed value of ours. */
export function keyIdOf(sealed: string): string | undefined {
  return /^v1:([0-9a-f]{16}):[A-Za-z0-9+/]+={0,2}$/.exec(sealed)?.[1]
}

/** Throws a plain error, without the value, where the key, the place or a single bit is not the one. */
export function unseal(key: SecretsKey, place: SealedFor, sealed: string): string {
  const bytes = Buffer.from(sealed.split(':')[2] ?? '', 'base64')
  if (bytes.length < nonceLength + tagLength) throw new Error('expected a sealed value, got too few bytes')
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, nonceLength), {
    authTagLength: tagLength,
  })
  decipher.setAAD(associatedData(key, place))
  decipher.setAuthTag(bytes.subarray(-tagLength))
  const value = decipher.update(bytes.subarray(nonceLength, -tagLength))
  return Buffer.concat([value, decipher.final()]).toString('utf8')
}

/** JSON keeps `a:b` + `c` and `a` + `b:c` apart. */
function associatedData(key: SecretsKey, { scope, name }: SealedFor): Buffer {
  return Buffer.from(JSON.stringify(['mayfly secret', version, key.id, scope, name]))
}
