import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'

type Trying<T> = {
  /** For the log: `writing the verdict`. */
  readonly what: string
  /** Has to bear being done twice: the answer to a try may have been lost. */
  readonly work: () => Promise<T>
  /** Whether it is no use any more. */
  readonly isOver: () => boolean
  readonly log: Pick<Logger, 'warn'>
  /** ms @defaultValue 15 minutes */
  readonly mostMs?: number | undefined
}

const firstPause = 100
const longestPause = 2000

/**
 * Sits out an absence of Redis with what a running job has to read or write: a job that passed must not become
 * `errored`, and run again, because Redis was being restarted as its verdict was written.
 * @throws what the last try threw; at once where Redis answered and refused, which no waiting mends
 */
export async function keepTrying<T>({ what, work, isOver, log, mostMs = 900_000 }: Trying<T>): Promise<T> {
  const end = performance.now() + mostMs
  for (let pause = firstPause; ; pause = Math.min(pause * 2, longestPause)) {
    try {
      return await work()
    } catch (error) {
      if (isRefusal(error) || isOver() || performance.now() > end) throw error
      log.warn({ err: error, what }, 'tried again: Redis is out of reach')
      // Unheld, so that a server that was told to end does not wait for a Redis that never comes back.
      await sleep(pause, undefined, { ref: false })
    }
  }
}

/** Errors that Redis itself answers with while it comes up or hands over. */
const passing = /^(?:LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY)/

function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !passing.test(error.message)
}
