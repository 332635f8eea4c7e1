/** Random choices that come again with the same seed. */
export type Chance = {
  /** At least 0, less than `below`. */
  number(below: number): number
  pick<T>(choices: readonly T[]): T
}

/** Mulberry32: 32 bits of state are plenty to choose faults with. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    number: (below) => next() * below,
    pick: (choices) => {
      const chosen = choices[Math.floor(next() * choices.length)]
      if (chosen === undefined) throw new Error('expected something to choose from')
      return chosen
    },
  }
}
