import { appendFile, mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import type { AuditEntry } from '../gateway/audit-entry.ts'

/** Keeps what happened at the gateway, one entry a line, in the order in which it happened. */
export function appendAudit({ file, log }: { file: string; log: Logger }): (entry: AuditEntry) => void {
  let writing: Promise<unknown> = mkdir(dirname(file), { recursive: true, mode: 0o700 })
  return (entry) => {
    writing = writing
      .then(() => appendFile(file, `${JSON.stringify(entry)}\n`, { mode: 0o600 }))
      .catch((err: unknown) => log.error({ err, entry }, 'an entry of the audit record could not be written'))
  }
}
