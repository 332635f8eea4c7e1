import type { BuildJob } from '../model/build.ts'

/** What changes where a job that had ended begins anew. */
export function newAttempt({ attempt }: Pick<BuildJob, 'attempt'>): Partial<Omit<BuildJob, 'id'>> {
  return {
    state: 'blocked',
    attempt: attempt + 1,
    queued: undefined,
    started: undefined,
    ended: undefined,
    host: undefined,
    failure: undefined,
    reason: undefined,
    hint: undefined,
    waiting: undefined,
    cancelRequested: undefined,
    killRequested: undefined,
    restarts: undefined,
    hold: undefined,
    visit: undefined,
  }
}
