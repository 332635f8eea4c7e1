import { setTimeout as sleep } from 'node:timers/promises'
import { InfraError } from '../../config/errors.ts'
import type { OnImageProgress } from '../image-progress.ts'
import type { PullLimits } from './limits.ts'
import { reasonOf } from './pull-error.ts'

type RetryOptions = {
  readonly limits: PullLimits
  readonly signal: AbortSignal
  readonly onProgress: OnImageProgress
  /** Grows as the work gets on; a try that got on starts the count of failures anew. */
  readonly progressMark?: () => number
  readonly giveUp: (cause: unknown) => Error
}

/** However far each try gets: a server that breaks every connection at once must not keep us for ever. */
const maxTries = 200

/**
 * Tries again after what may pass by itself: a broken connection, a busy server. An InfraError is final, and so
 * is the signal.
 */
export async function retry<T>(options: RetryOptions, work: () => Promise<T>): Promise<T> {
  const { limits, signal, onProgress, progressMark = () => 0, giveUp } = options
  let failures = 0
  for (let tries = 1; ; tries++) {
    const mark = progressMark()
    try {
      signal.throwIfAborted()
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      failures = progressMark() > mark ? 1 : failures + 1
      if (error instanceof InfraError) {
        throw error
      }
      if (failures >= limits.attempts || tries >= maxTries) {
        throw giveUp(error)
      }
      const delay = limits.retryDelay * 2 ** (failures - 1)
      onProgress({ phase: 'retry', attempt: tries + 1, delay, reason: reasonOf(error) })
      await sleep(delay, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }
}
