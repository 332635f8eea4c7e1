import type { KeyObject } from 'node:crypto'
import { createPublicKey, verify } from 'node:crypto'
import { ConfigError } from '../../../config/errors.ts'
import type { SignedDelivery } from '../forge.ts'
import { sameText } from '../same-text.ts'
import { sourcehutAlias } from './sourcehut-query.ts'

/** What sr.ht signs webhooks with (man.sr.ht, api-conventions). */
export const sourcehutPublicKey = 'uX7KWyyDNMaBma4aVbJ/cbUQpdjqczuCyK/HxzV/u+4='

/** @throws ConfigError for what is not the base64 of an Ed25519 public key. */
export function readPublicKey(base64: string): KeyObject {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.length !== 32)
    throw new ConfigError(
      `expected base64 of the 32 bytes of an Ed25519 public key, got ${bytes.length} bytes`,
      {
        hint: 'It is the public half of private-key in the [webhooks] section of the SourceHut instance.',
      },
    )
  return createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') },
    format: 'jwk',
  })
}

/** Ed25519 over the body followed by the nonce, and the alias that only the repository's own hook can carry. */
export function verifySourcehut(key: KeyObject, { headers, rawBody, secret }: SignedDelivery): true | string {
  const signature = headers['x-payload-signature']
  const nonce = headers['x-payload-nonce']
  if (signature === undefined || nonce === undefined || nonce === '')
    return 'no signature: expected the headers X-Payload-Signature and X-Payload-Nonce'
  const bytes = Buffer.from(signature, 'base64')
  const signed = Buffer.concat([rawBody, Buffer.from(nonce)])
  if (bytes.length !== 64 || !verify(null, signed, key, bytes))
    return "wrong X-Payload-Signature: it was not made with this SourceHut's key over this body and nonce"
  return (
    aliases(rawBody).filter((alias) => sameText(alias, sourcehutAlias(secret))).length > 0 ||
    "the hook's query does not carry this repository's alias: make the hook with the query that mayfly shows"
  )
}

// Aliases are fields of the answer, and the answer is flat enough to look for them in the text.
function aliases(rawBody: Buffer): readonly string[] {
  return [...rawBody.toString('utf8').matchAll(/"(mayfly_[0-9a-f]{32})"\s*:/g)].map((match) => match[1] ?? '')
}
