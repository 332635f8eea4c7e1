import type { Forge } from '../forge.ts'
import { isRepositoryName } from '../git-names.ts'
import { verifyHexHmac } from '../verify-hex-hmac.ts'
import { namedPayload } from './bitbucket-payloads.ts'
import { bitbucketCommit, bitbucketStatus } from './bitbucket-requests.ts'
import { pullRequestEvents, readBitbucket } from './read-bitbucket.ts'

/**
 * Bitbucket Cloud.
 * @see https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/
 */
export const bitbucket: Forge = {
  name: 'bitbucket',
  forms: false,
  keepsStatuses: true,
  events: ['repo:push', ...Object.keys(pullRequestEvents)],
  // The same for each attempt at one delivery.
  identify: (headers) => ({ event: headers['x-event-key'], forgeId: headers['x-request-uuid'] }),
  repositoryName: (body) => {
    const name = namedPayload.safeParse(body).data?.repository.full_name
    return name !== undefined && isRepositoryName(name) ? name : undefined
  },
  // SHA-256 under the name that is SHA-1's elsewhere.
  verify: ({ headers, rawBody, secret }) =>
    verifyHexHmac({
      header: 'X-Hub-Signature',
      value: headers['x-hub-signature'],
      prefix: 'sha256=',
      rawBody,
      secret,
    }),
  read: readBitbucket,
  statusRequest: bitbucketStatus,
  commitRequest: bitbucketCommit,
}
