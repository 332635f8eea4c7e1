import type { Redis } from 'ioredis'
import { createLease } from '../archive/lease.ts'

/** Work that one process of an installation does at a time, now and then. */
export type SoleTask = {
  /** Does the work where its time has come and no other process has it. Rejects with what the work rejects with. */
  run(): Promise<void>
  /** Leaves it to another process at once. Rejects never. */
  close(): Promise<void>
}

type Options = {
  readonly redis: Redis
  /** In Redis, of this work. */
  readonly key: string
  /** Unlike any other process's. */
  readonly holder: string
  /** ms between two times, at least. */
  readonly everyMs: number
  readonly work: () => Promise<unknown>
}

/**
 * Has one process do what would be too much if each of hundreds did it. Another one takes it over when it has not been
 * heard of for twice the time.
 */
export function createSoleTask({ redis, key, holder, everyMs, work }: Options): SoleTask {
  const lease = createLease({ redis, key, holder, ms: 2 * everyMs })
  let due = performance.now()
  return {
    run: async () => {
      if (performance.now() < due) return
      // Timers come a little early, too.
      due = performance.now() + 0.9 * everyMs
      if (await lease.hold()) await work()
    },
    close: async () => {
      await lease.release().catch(() => undefined)
    },
  }
}
