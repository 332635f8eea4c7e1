import { fits, hasRoom, minus, plus, type Resources } from './capacity.ts'

/** What is free on this host, given out and taken back. */
export type Room = {
  free(): Resources
  /** Takes what is in use already, free or not, and gives how to give it back. */
  occupy(need: Resources): () => void
  /** Resolves when there is something free, or with the signal. */
  untilSome(signal: AbortSignal): Promise<void>
  /**
   * Takes what is needed as soon as it is free and all that asked before have theirs, so that small needs don't starve a
   * large one, and gives how to give it back; undefined where that was not within `ms`, or when the signal was aborted
   * before.
   */
  take(need: Resources, bound: { signal: AbortSignal; ms: number }): Promise<(() => void) | undefined>
}

export function createRoom(total: Resources): Room {
  let free = total
  const waiters = new Set<() => void>()
  const turns: symbol[] = []
  const lookAgain = () => {
    for (const look of [...waiters]) look()
  }
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
  const releaseOnce = (need: Resources) => {
    let taken = true
    return () => {
      if (!taken) return
      taken = false
      free = plus(free, need)
      lookAgain()
    }
  }
  return {
    free: () => free,
    occupy: (need) => {
      free = minus(free, need)
      return releaseOnce(need)
    },
    untilSome: async (signal) => {
      await until(() => hasRoom(free), signal)
    },
    take: async (need, { signal, ms }) => {
      const turn = Symbol('turn')
      turns.push(turn)
      const takeIt = () => {
        if (turns[0] !== turn || !fits(free, need)) return false
        free = minus(free, need)
        return true
      }
      const isTaken = await until(takeIt, signal, ms)
      turns.splice(turns.indexOf(turn), 1)
      lookAgain()
      return isTaken ? releaseOnce(need) : undefined
    },
  }
}
