import { randomBytes } from 'node:crypto'

/** Names one run of this computer; jobs of servers never begin so. */
export function newLocalBuildId(): string {
  const now = new Date().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
  return `local-${now}-${randomBytes(2).toString('hex')}`
}

/** Whether a job is one of a run of this computer, which no server knows. */
export function isLocalJob(id: string): boolean {
  return id.startsWith('local-')
}
