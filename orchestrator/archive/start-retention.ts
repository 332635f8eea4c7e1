import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { ulid } from 'ulid'
import { createRetentionRecords } from '../store/retention-records.ts'
import { createLease } from './lease.ts'
import { type SweepParts, sweepRetention } from './sweep-retention.ts'

type Options = Omit<SweepParts, 'records' | 'goOn'> & {
  readonly redis: Redis
  readonly prefix: string
  /** @defaultValue a sweep each ten minutes, a second's pause where there is more to do, a lease of a minute */
  readonly times?: RetentionTimes
}

export type RetentionTimes = {
  /** ms between sweeps. */
  readonly every: number
  /** ms between parts of one that is larger than its bound. */
  readonly pause: number
  /** ms after which the sweeping of a process that died goes to another. */
  readonly lease: number
}

const standardTimes: RetentionTimes = { every: 600_000, pause: 1000, lease: 60_000 }

/** Sweeps now and then, in one process of an installation at a time. */
export function startRetention(options: Options): { close(): Promise<void> } {
  const { redis, prefix, times = standardTimes, log, metrics, now } = options
  const records = createRetentionRecords({ redis, prefix })
  const lease = createLease({ redis, key: `${prefix}:lease:retention`, holder: ulid(), ms: times.lease })
  const ending = new AbortController()
  const { signal } = ending
  const goOn = async () => !signal.aborted && (await lease.hold())

  const sweep = async (): Promise<boolean> => {
    if (!(await goOn())) return false
    try {
      const more = await sweepRetention({ ...options, records, goOn })
      metrics.retentionSwept.set(now().getTime() / 1000)
      return more
    } finally {
      await lease.release()
    }
  }

  const run = async () => {
    while (!signal.aborted) {
      const more = await sweep().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ err: error }, 'a sweep of what is past its time was cut off')
        return false
      })
      await sleep(more ? times.pause : times.every, undefined, { signal }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    close: async () => {
      ending.abort()
      await running
    },
  }
}
