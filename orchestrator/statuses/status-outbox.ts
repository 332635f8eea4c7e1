import { createHash } from 'node:crypto'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Dispatcher } from 'undici'
import type { StatusState } from '../forges/forge.ts'
import type { Forges } from '../forges/forges.ts'
import type { Repository } from '../model/repository.ts'
import { repositoryKey } from '../model/repository.ts'
import type { OutboxLimits } from '../outbox/outbox.ts'
import { createOutbox } from '../outbox/outbox.ts'
import type { Vault } from '../secrets/vault.ts'
import { createSendStatus } from './send-status.ts'

/** Tells forges how commits are doing: durable, in order per repository, commit and context, at least once. */
export type StatusOutbox = {
  /** Resolves when the status is kept; it is sent in the background. */
  post(status: Status): Promise<void>
  /** Waits for the requests under way; what is not sent yet stays for the next start. */
  close(): Promise<void>
}

export type Status = {
  readonly repository: Repository
  readonly sha: string
  /** Such as `refs/heads/main`. */
  readonly ref: string
  readonly context: string
  readonly state: StatusState
  readonly description: string
  /** The job's page. */
  readonly url: string
}

/**
 * Starts to send what is left from before at once. A newer status replaces an older one of the same context that the
 * forge would not take yet. After a day, and after a refusal such as 401 or 404, a status is given up with a note in
 * the log. SourceHut has none.
 */
export function createStatusOutbox(options: {
  /** With `maxRetriesPerRequest: null`. Left open by `close`. */
  connection: Redis
  prefix: string
  forges: Forges
  vault: Pick<Vault, 'get'>
  now: () => Date
  log: Logger
  /** undici's, for tests and proxies. */
  dispatcher?: Dispatcher
  limits?: Partial<OutboxLimits & { timeout: number }>
}): StatusOutbox {
  const { connection, prefix, forges, now, log, limits = {} } = options
  const send = createSendStatus({ ...options, timeout: limits.timeout ?? 10_000 })
  const outbox = createOutbox<Status>({ connection, prefix, name: 'statuses', send, now, log, limits })
  return {
    post: async (status) => {
      if (forges[status.repository.forge].keepsStatuses) await outbox.put(lane(status), status)
    },
    close: outbox.close,
  }
}

function lane({ repository, sha, context }: Status): string {
  const name = JSON.stringify([repositoryKey(repository), sha, context])
  return createHash('sha256').update(name).digest('hex').slice(0, 32)
}
