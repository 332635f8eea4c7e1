import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { ulid } from 'ulid'
import { InfraError } from '../../config/errors.ts'
import { isIndexMarked } from './index-mark.ts'
import { createLease } from './lease.ts'
import type { Reindexed, ReindexParts } from './reindex.ts'
import { reindex } from './reindex.ts'

/** Sees that the index in Redis is whole, and has it made anew from the archive where Redis was emptied. */
export type IndexGuard = {
  /** Resolves when the index is whole; makes it so, or waits for the process that does. */
  ensure(): Promise<void>
  /** @throws InfraError where Redis was emptied: what is not there may only be not there yet */
  assertWhole(): Promise<void>
  /** Looks now and then until it is closed. */
  watch(): { close(): Promise<void> }
}

type Options = Omit<ReindexParts, 'onProgress'> & {
  /** Called after each rebuilding in this process. */
  readonly onRebuilt: () => Promise<void>
  readonly log: Logger
  /** ms between two looks. @defaultValue 1 s */
  readonly every?: number
}

/** ms after which the rebuilding of a process that died goes to another. */
const leaseMs = 30_000
/** Builds between two renewals of the lease. */
const renewEach = 50

export function createIndexGuard(options: Options): IndexGuard {
  const { redis, prefix, onRebuilt, log, every = 1000 } = options
  const lease = createLease({ redis, key: `${prefix}:lease:reindex`, holder: ulid(), ms: leaseMs })
  const ending = new AbortController()
  const pause = () => sleep(every, undefined, { signal: ending.signal }).catch(() => undefined)

  const rebuild = async () => {
    const began = performance.now()
    const done = await reindex({
      ...options,
      onProgress: async (count) => {
        if (count % renewEach === 0) await lease.hold()
      },
    })
    await lease.release()
    tell(log, done, performance.now() - began)
    await onRebuilt()
  }
  const look = async (): Promise<boolean> => {
    if (await isIndexMarked({ redis, prefix })) return true
    if (!(await lease.hold())) return false
    await rebuild()
    return true
  }
  return {
    ensure: async () => {
      while (!(await look()) && !ending.signal.aborted) await pause()
    },
    assertWhole: async () => {
      if (await isIndexMarked({ redis, prefix })) return
      throw new InfraError('host-lost', 'expected the index in Redis, found it emptied', {
        hint: 'It is made anew from the archive: try again in a moment.',
      })
    },
    watch: () => {
      const run = async () => {
        while (!ending.signal.aborted) {
          await look().catch((err: unknown) => log.debug({ err }, 'no look at the index'))
          await pause()
        }
      }
      const running = run()
      return {
        close: async () => {
          ending.abort()
          await running
        },
      }
    },
  }
}

function tell(log: Logger, { problems, ...done }: Reindexed, ms: number): void {
  for (const problem of problems) log.warn({ problem }, 'something in the archive could not be read')
  const isNew = done.found === 0 && done.register === 0 && done.deliveries === 0
  if (isNew) log.info('the index is new')
  else log.warn({ ...done, ms: Math.round(ms) }, 'Redis was empty: the index was made anew from the archive')
}
