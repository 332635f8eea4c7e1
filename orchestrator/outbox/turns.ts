/** Turns of those that share something: each has at most so many at a time. */
export type Turns = {
  /** A turn, to be given back by calling it once; undefined where all of them are taken. */
  take(whose: string): (() => void) | undefined
}

export function createTurns(most: number): Turns {
  const taken = new Map<string, number>()
  return {
    take: (whose) => {
      const count = taken.get(whose) ?? 0
      if (count >= most) return undefined
      taken.set(whose, count + 1)
      return () => {
        const left = (taken.get(whose) ?? 1) - 1
        if (left === 0) taken.delete(whose)
        else taken.set(whose, left)
      }
    },
  }
}
