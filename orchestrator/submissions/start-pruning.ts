import type { Pruning } from './pruning.ts'

/** Ages are counted in days: now and then is soon enough. ms */
const everyMs = 3600_000

/** Removes old submissions now, in the background, and each hour; gives what ends that and waits for what is under way. */
export function startPruning(pruning: Pick<Pruning, 'all'>): () => Promise<void> {
  const stop = new AbortController()
  let underWay = pruning.all(stop.signal)
  const timer = setInterval(() => {
    underWay = underWay.then(() => pruning.all(stop.signal))
  }, everyMs)
  return async () => {
    clearInterval(timer)
    stop.abort()
    await underWay
  }
}
