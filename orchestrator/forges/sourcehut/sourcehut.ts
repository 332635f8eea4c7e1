import type { Forge } from '../forge.ts'
import { readSourcehut, sourcehutName } from './read-sourcehut.ts'
import { readPublicKey, sourcehutPublicKey, verifySourcehut } from './verify-sourcehut.ts'

/**
 * SourceHut's git service by its GraphQL webhooks. A payload is the answer to the query that the hook was made with,
 * so hooks have to be made with `sourcehutQuery`. SourceHut keeps no statuses of commits.
 * @param publicKey base64 of the Ed25519 key that the instance signs with. @defaultValue sr.ht's
 * @throws ConfigError for a key that is none.
 * @see https://man.sr.ht/api-conventions.md
 */
export function createSourcehut({
  publicKey = sourcehutPublicKey,
}: {
  publicKey?: string | undefined
} = {}): Forge {
  const key = readPublicKey(publicKey)
  return {
    name: 'sourcehut',
    forms: false,
    keepsStatuses: false,
    events: ['GIT_POST_RECEIVE'],
    identify: (headers) => ({ event: headers['x-webhook-event'], forgeId: headers['x-webhook-delivery'] }),
    repositoryName: sourcehutName,
    verify: (delivery) => verifySourcehut(key, delivery),
    nonce: (headers) => headers['x-payload-nonce'],
    read: readSourcehut,
    statusRequest: () => undefined,
  }
}
