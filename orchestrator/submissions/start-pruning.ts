import type { Submissions } from './submissions.ts'

/** Ages are counted in days: now and then is soon enough. ms */
const everyMs = 3600_000

/** Removes old submissions now, in the background, and each hour; gives what ends that and waits for what is under way. */
export function startPruning(submissions: Pick<Submissions, 'prune'>): () => Promise<void> {
  const stop = new AbortController()
  let underWay = submissions.prune(stop.signal)
  const timer = setInterval(() => {
    underWay = underWay.then(() => submissions.prune(stop.signal))
  }, everyMs)
  return async () => {
    clearInterval(timer)
    stop.abort()
    await underWay
  }
}
