import { createHash } from 'node:crypto'
import type { Schedule } from '../model/repository.ts'

/** Name of a schedule in the queue; another cron or branch is another schedule. */
export function scheduleId(repository: string, { cron, branch }: Schedule): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([repository, cron, branch]))
    .digest('hex')
  return `schedule-${hash.slice(0, 32)}`
}
