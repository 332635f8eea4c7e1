import { untilAborted } from '../../runner/until-aborted.ts'

type Work = { readonly promise: Promise<void>; readonly stop: AbortController; waiting: number }

/**
 * Lets several who want the same wait for one piece of work. Each can leave by its own signal; the work itself is
 * stopped when the last of them has left.
 */
export function shareWork(): (
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
) => Promise<void> {
  const underWay = new Map<string, Work>()

  const begin = (key: string, work: (signal: AbortSignal) => Promise<void>): Work => {
    const stop = new AbortController()
    const promise = work(stop.signal).finally(() => {
      if (underWay.get(key)?.promise === promise) underWay.delete(key)
    })
    promise.catch(() => undefined)
    const begun = { promise, stop, waiting: 0 }
    underWay.set(key, begun)
    return begun
  }

  return async (key, signal, work) => {
    signal.throwIfAborted()
    const mine = underWay.get(key) ?? begin(key, work)
    mine.waiting++
    try {
      await untilAborted(mine.promise, signal)
    } finally {
      mine.waiting--
      if (mine.waiting === 0) {
        // Who comes now must not wait for what is being stopped.
        if (underWay.get(key) === mine) underWay.delete(key)
        mine.stop.abort(signal.reason)
      }
    }
  }
}
