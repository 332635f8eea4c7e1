import { HttpError } from '../http-error.ts'
import type { HttpParts } from '../http-parts.ts'

/** Followers of all logs of this process together. */
export type CountFollowers = {
  /**
   * Lets one more in; gives what is to be called when it leaves.
   * @throws HttpError 429 where `limits.followers` follow already
   */
  enter(): () => void
}

export function countFollowers({ limits, metrics }: Pick<HttpParts, 'limits' | 'metrics'>): CountFollowers {
  const most = limits?.followers ?? Number.POSITIVE_INFINITY
  let count = 0
  const set = (next: number) => {
    count = next
    metrics.followers.set(count)
  }
  return {
    enter: () => {
      if (count >= most) {
        metrics.limits.inc({ limit: 'limits.followers' })
        throw new HttpError(429, `expected at most ${most} logs that are followed at a time, got one more`, {
          hint: 'read it by range, try again in a while, or have limits.followers raised in the host file',
          retryAfter: 10,
        })
      }
      set(count + 1)
      let isIn = true
      return () => {
        if (isIn) set(count - 1)
        isIn = false
      }
    },
  }
}
