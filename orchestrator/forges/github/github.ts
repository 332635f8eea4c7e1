import type { Forge } from '../forge.ts'
import { verifyHexHmac } from '../verify-hex-hmac.ts'
import { githubStatus } from './github-status.ts'
import { githubLikeName, readGithubLike } from './read-github-like.ts'

/**
 * GitHub and GitHub Enterprise Server.
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export const github: Forge = {
  name: 'github',
  forms: true,
  keepsStatuses: true,
  events: ['push', 'pull_request'],
  // The delivery's GUID is the same on a redelivery, so that pressing the button twice is known as a duplicate.
  identify: (headers) => ({ event: headers['x-github-event'], forgeId: headers['x-github-delivery'] }),
  repositoryName: githubLikeName,
  // The older X-Hub-Signature is SHA-1 and not looked at.
  verify: ({ headers, rawBody, secret }) =>
    verifyHexHmac({
      header: 'X-Hub-Signature-256',
      value: headers['x-hub-signature-256'],
      prefix: 'sha256=',
      rawBody,
      secret,
    }),
  read: readGithubLike,
  statusRequest: githubStatus,
}
