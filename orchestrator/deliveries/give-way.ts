/** Lets what answers a forge go before what nobody waits for. */
export type GiveWay = {
  /** Runs work that somebody waits for. */
  first<T>(work: () => Promise<T>): Promise<T>
  /** Resolves when little of it is under way, or when this one has waited long enough. */
  turn(): Promise<void>
}

type Options = {
  /** Works of the first kind beside which there is still room. @defaultValue 4 */
  readonly most?: number
  /** ms that anybody gives way at most, so that a server that is always busy gets on, too. @defaultValue 500 */
  readonly patience?: number
}

/**
 * Answering comes before working: a forge gives up on a delivery after ten seconds and may not send it again, while
 * what is recorded can wait.
 */
export function createGiveWay({ most = 4, patience = 500 }: Options = {}): GiveWay {
  let underWay = 0
  const waiting = new Set<() => void>()
  return {
    first: async (work) => {
      underWay++
      try {
        return await work()
      } finally {
        underWay--
        if (underWay <= most) for (const go of waiting) go()
      }
    },
    turn: async () => {
      if (underWay <= most) return
      await new Promise<void>((resolve) => {
        const go = () => {
          clearTimeout(timer)
          waiting.delete(go)
          resolve()
        }
        const timer = setTimeout(go, patience)
        waiting.add(go)
      })
    },
  }
}
