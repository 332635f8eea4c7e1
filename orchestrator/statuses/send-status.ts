import type { Forges } from '../forges/forges.ts'
import { repositoryKey, repositorySecrets } from '../model/repository.ts'
import { askedWait, judgeAnswer } from '../outbox/judge-answer.ts'
import type { Sent } from '../outbox/outbox.ts'
import { sendRequest } from '../outbox/send-request.ts'
import type { SenderParts } from '../outbox/sender-parts.ts'
import type { Status } from './status.ts'

/**
 * Makes the function that sends one status. It keeps, per repository, until when its forge's rate limit is used up,
 * so that the other statuses of it wait without asking.
 */
export function createSendStatus(
  options: Pick<SenderParts, 'vault' | 'now' | 'monotonic' | 'dispatcher'> & {
    forges: Forges
    /** ms */
    timeout: number
  },
): (status: Status) => Promise<Sent> {
  const { forges, vault, now, monotonic = () => performance.now(), timeout, dispatcher } = options
  const limitedUntil = new Map<string, number>()
  return async (status) => {
    const key = repositoryKey(status.repository)
    const wait = (limitedUntil.get(key) ?? 0) - monotonic()
    if (wait > 0) return { kind: 'later', reason: `the rate limit of ${key} is used up`, wait }
    limitedUntil.delete(key)
    const token = await vault.get(key, repositorySecrets.token)
    if (token === undefined)
      return { kind: 'refused', reason: `no token: expected the secret ${repositorySecrets.token} of ${key}` }
    const request = forges[status.repository.forge].statusRequest({ ...status, token })
    if (request === undefined)
      return { kind: 'refused', reason: `the address of the API of ${key} is not known: set its api_url` }
    const answer = await sendRequest({ ...request, timeout, dispatcher })
    const limited = askedWait(answer, now())
    if (limited !== undefined) limitedUntil.set(key, monotonic() + limited)
    return withoutToken(
      isRepeat(answer.status, answer.text) ? { kind: 'sent' } : judgeAnswer(answer, now()),
      token,
    )
  }
}

// GitLab refuses a status that is already as it shall be.
function isRepeat(status: number, text: string): boolean {
  return status === 400 && /cannot transition status/i.test(text)
}

// An answer that echoes the request would carry the token into the log.
function withoutToken(sent: Sent, token: string): Sent {
  return sent.kind === 'sent' ? sent : { ...sent, reason: sent.reason.replaceAll(token, '***') }
}
