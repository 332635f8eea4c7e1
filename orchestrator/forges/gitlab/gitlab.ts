import { createHash } from 'node:crypto'
import type { Forge, WebhookHeaders } from '../forge.ts'
import { isRepositoryName } from '../git-names.ts'
import { namedPayload } from './gitlab-payloads.ts'
import { gitlabStatus } from './gitlab-status.ts'
import { readGitlab } from './read-gitlab.ts'
import { verifyGitlab } from './verify-gitlab.ts'

/**
 * GitLab, on gitlab.com or one's own.
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/
 */
export const gitlab: Forge = {
  name: 'gitlab',
  forms: false,
  keepsStatuses: true,
  events: ['Push Hook', 'Tag Push Hook', 'Merge Request Hook', 'System Hook'],
  identify: (headers, rawBody) => ({
    event: headers['x-gitlab-event'],
    forgeId: deliveryId(headers, rawBody),
  }),
  repositoryName: (body) => {
    const name = namedPayload.safeParse(body).data?.project.path_with_namespace
    return name !== undefined && isRepositoryName(name) ? name : undefined
  },
  verify: verifyGitlab,
  read: readGitlab,
  statusRequest: gitlabStatus,
}

// Older versions send no idempotency key. Their event UUID is one for all hooks of one request, so that a push of
// three branches comes three times with it; the body tells them apart.
function deliveryId(headers: WebhookHeaders, rawBody: Buffer): string | undefined {
  const own = headers['idempotency-key'] ?? headers['webhook-id']
  if (own !== undefined) return own
  const event = headers['x-gitlab-event-uuid']
  if (event === undefined) return undefined
  return `${event}-${createHash('sha256').update(rawBody).digest('hex').slice(0, 16)}`
}
