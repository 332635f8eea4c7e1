import { fits, hasRoom, minus, plus, type Resources } from './capacity.ts'

/** What is free on this host, given out and taken back. */
export type Room = {
  free(): Resources
  /** Resolves when there is something free, or with the signal. */
  untilSome(signal: AbortSignal): Promise<void>
  /**
   * Takes what is needed as soon as it is free, and gives how to give it back; undefined where it was not free within
   * `ms`, or when the signal was aborted before.
   */
  take(need: Resources, bound: { signal: AbortSignal; ms: number }): Promise<(() => void) | undefined>
}

export function createRoom(total: Resources): Room {
  let free = total
  const waiters = new Set<() => void>()
  const until = (met: () => boolean, signal: AbortSignal, ms?: number) =>
    new Promise<boolean>((resolve) => {
      const settle = (result: boolean) => {
        waiters.delete(look)
        signal.removeEventListener('abort', give)
        clearTimeout(timer)
        resolve(result)
      }
      const look = () => {
        if (met()) settle(true)
      }
      const give = () => settle(false)
      const timer = ms === undefined ? undefined : setTimeout(give, ms)
      waiters.add(look)
      signal.addEventListener('abort', give, { once: true })
      if (signal.aborted) give()
      else look()
    })
  return {
    free: () => free,
    untilSome: async (signal) => {
      await until(() => hasRoom(free), signal)
    },
    take: async (need, { signal, ms }) => {
      let taken = false
      const takeIt = () => {
        if (!fits(free, need)) return false
        free = minus(free, need)
        taken = true
        return true
      }
      if (!(await until(takeIt, signal, ms))) return undefined
      return () => {
        if (!taken) return
        taken = false
        free = plus(free, need)
        for (const look of [...waiters]) look()
      }
    },
  }
}
