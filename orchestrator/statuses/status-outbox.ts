import type { Forges } from '../forges/forges.ts'
import { repositoryKey } from '../model/repository.ts'
import { laneName } from '../outbox/lane-name.ts'
import { createOutbox } from '../outbox/outbox.ts'
import type { SenderParts } from '../outbox/sender-parts.ts'
import { createSendStatus } from './send-status.ts'
import type { Status } from './status.ts'

/** Tells forges how commits are doing: durable, in order per repository, commit and context, at least once. */
export type StatusOutbox = {
  /** Resolves when the status is kept; it is sent in the background. */
  post(status: Status): Promise<void>
  /** Waits for the requests under way; what is not sent yet stays for the next start. */
  close(): Promise<void>
}

/**
 * Starts to send what is left from before at once. A newer status replaces an older one of the same context that the
 * forge would not take yet. After a day, and after a refusal such as 401 or 404, a status is given up with a note in
 * the log. SourceHut has none.
 */
export function createStatusOutbox(options: SenderParts & { forges: Forges }): StatusOutbox {
  const { connection, prefix, forges, now, log, limits = {} } = options
  const outbox = createOutbox<Status>({
    ...{ connection, prefix, name: 'statuses', now, log, limits },
    send: createSendStatus({ ...options, timeout: limits.timeout ?? 10_000 }),
    whose: ({ repository }) => repositoryKey(repository),
  })
  return {
    post: async (status) => {
      if (forges[status.repository.forge].keepsStatuses) await outbox.put(lane(status), status)
    },
    close: outbox.close,
  }
}

function lane({ repository, sha, context }: Status): string {
  return laneName([repositoryKey(repository), sha, context])
}
