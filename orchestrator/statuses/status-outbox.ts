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
 * Starts to send what is left from before at once. An end that was the last thing told of its context is not told again:
 * a recovery, or a process that was killed, may well post it twice. A newer status replaces an older one of the same context that the
 * forge would not take yet. After a day, and after a refusal such as 401 or 404, a status is given up with a note in
 * the log. SourceHut has none.
 */
export function createStatusOutbox(options: SenderParts & { forges: Forges }): StatusOutbox {
  const { archive } = options
  const { connection, prefix, forges, now, monotonic, log, limits = {} } = options
  const send = createSendStatus({ ...options, timeout: limits.timeout ?? 10_000 })
  const outbox = createOutbox<Status>({
    ...{ connection, prefix, name: 'statuses', now, monotonic, log, limits },
    send: async (status) => ((await isTold(archive, status)) ? { kind: 'sent' } : await send(status)),
    whose: ({ repository }) => repositoryKey(repository),
    onSettled: async (status) => {
      const { whom, what } = statusNote(status)
      if (status.build !== undefined) await archive?.noteTold(status.build, whom, what)
    },
  })
  return {
    post: async (status) => {
      if (forges[status.repository.forge].keepsStatuses) await outbox.put(lane(status), status)
    },
    close: outbox.close,
  }
}

async function isTold(archive: SenderParts['archive'], status: Status): Promise<boolean> {
  if (archive === undefined || status.build === undefined || !isEnd(status.state)) return false
  const { whom, what } = statusNote(status)
  return (await archive.told(status.build)).get(whom) === what
}

function isEnd(state: Status['state']): boolean {
  return state !== 'pending' && state !== 'running'
}

/** What the archive notes of a status that was told. */
export function statusNote({ context, state }: Pick<Status, 'context' | 'state'>) {
  return { whom: `status ${context}`, what: state }
}

function lane({ repository, sha, context }: Status): string {
  return laneName([repositoryKey(repository), sha, context])
}
