import type { Forge, SignedDelivery } from '../forge.ts'
import { githubLikeName, readGithubLike } from '../github/read-github-like.ts'
import { formPayload, isFormType } from '../parse-body.ts'
import { verifyHexHmac } from '../verify-hex-hmac.ts'
import { giteaStatus } from './gitea-status.ts'

/**
 * Gitea, Forgejo and what runs on them, such as Codeberg.
 * @see https://docs.gitea.com/usage/repository/webhooks, https://forgejo.org/docs/latest/user/webhooks/
 */
export const gitea: Forge = {
  name: 'gitea',
  forms: true,
  keepsStatuses: true,
  events: ['push', 'pull_request'],
  identify: (headers) => ({
    event: headers['x-forgejo-event'] ?? headers['x-gitea-event'],
    forgeId: headers['x-forgejo-delivery'] ?? headers['x-gitea-delivery'],
  }),
  repositoryName: githubLikeName,
  verify: verifyGitea,
  read: readGithubLike,
  statusRequest: giteaStatus,
}

function verifyGitea({ headers, rawBody, secret }: SignedDelivery): true | string {
  const header = headers['x-forgejo-signature'] === undefined ? 'X-Gitea-Signature' : 'X-Forgejo-Signature'
  const value = headers[header.toLowerCase()]
  const asSent = verifyHexHmac({ header, value, prefix: '', rawBody, secret })
  if (asSent === true || !isFormType(headers['content-type'])) return asSent
  // Of a form Gitea signs the payload before it is encoded, not the bytes that it sends (services/webhook/deliver.go).
  const payload = formPayload(rawBody)
  return payload === undefined
    ? asSent
    : verifyHexHmac({ header, value, prefix: '', rawBody: payload, secret })
}
