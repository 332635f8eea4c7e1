import { Webhook } from 'standardwebhooks'
import { ulid } from 'ulid'
import { repositorySecrets } from '../model/repository.ts'
import { judgeAnswer } from '../outbox/judge-answer.ts'
import { laneName } from '../outbox/lane-name.ts'
import { createOutbox, type Sent } from '../outbox/outbox.ts'
import { sendRequest } from '../outbox/send-request.ts'
import type { SenderParts } from '../outbox/sender-parts.ts'
import { checkTarget } from './check-target.ts'

/** POSTs records to the URLs that repositories name, signed as Standard Webhooks. */
export type NotificationOutbox = {
  /**
   * Keeps a notification; it is sent in the background, at least once, in order per URL and subject.
   * @throws ConfigError for a URL that is not http or https, or that carries credentials.
   */
  notify(notification: Notification): Promise<void>
  /** Waits for the requests under way; what is not sent yet stays for the next start. */
  close(): Promise<void>
}

export type Notification = {
  /** Where the signing secret is in the vault: a repository's key, or `host`. */
  readonly scope: string
  readonly url: string
  /** Such as `build.passed`. */
  readonly type: string
  /** What it is about, such as a build's id; a newer one replaces an older one that could not be sent. */
  readonly subject: string
  /** A record without secrets, as the API shows it. */
  readonly data: unknown
  /** What the news is, in a word: the same one twice in a row for a URL and subject is told once. */
  readonly news?: string | undefined
}

type Kept = Notification & { readonly id: string; readonly at: string }

/**
 * Starts to send what is left from before at once. The id in `webhook-id` is the same for each try.
 * @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function createNotificationOutbox(options: SenderParts): NotificationOutbox {
  const { connection, prefix, vault, archive, now, monotonic, log, dispatcher, limits = {} } = options
  const timeout = limits.timeout ?? 15_000
  const send = async (kept: Kept): Promise<Sent> => {
    const secret = await vault.get(kept.scope, repositorySecrets.notification)
    if (secret === undefined)
      return {
        kind: 'refused',
        reason: `no secret: expected ${repositorySecrets.notification} of ${kept.scope}`,
      }
    const signed = sign(kept, secret, now())
    if (signed === undefined)
      return { kind: 'refused', reason: `expected ${repositorySecrets.notification} to be whsec_ and base64` }
    const answer = await sendRequest({
      method: 'POST',
      url: kept.url,
      ...signed,
      timeout,
      dispatcher,
    })
    return judgeAnswer(answer, now())
  }
  const outbox = createOutbox<Kept>({
    ...{ connection, prefix, name: 'notifications', send, now, monotonic, log, limits },
    whose: ({ url }) => new URL(url).host,
    onSettled: async (kept) => {
      const { whom, what } = notificationNote(kept)
      await archive?.noteTold(kept.subject, whom, what)
    },
  })
  return {
    notify: async (notification) => {
      checkTarget(notification.url)
      const { scope, url, subject } = notification
      const kept = { ...notification, id: `msg_${ulid()}`, at: now().toISOString() }
      await outbox.put(laneName([scope, url, subject]), kept, notification.news)
    },
    close: outbox.close,
  }
}

/** What the archive notes of a notification that was told. */
export function notificationNote({ url, type, news = type }: Pick<Notification, 'url' | 'type' | 'news'>) {
  return { whom: `notification ${url}`, what: news }
}

function sign(
  { id, type, at, data }: Kept,
  secret: string,
  now: Date,
): { headers: Record<string, string>; body: string } | undefined {
  const body = JSON.stringify({ type, timestamp: at, data })
  try {
    return {
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(now.getTime() / 1000)),
        'webhook-signature': new Webhook(secret).sign(id, now, body),
      },
    }
  } catch {
    return undefined
  }
}
