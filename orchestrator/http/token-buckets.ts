/** Rates by key: each has a bucket that fills up again with time. */
export type TokenBuckets = {
  /** What a key has left. */
  left(key: string): number
  /** Takes one, below nothing if need be. */
  take(key: string): void
  /** Milliseconds until a key has a whole one. */
  wait(key: string): number
}

type Options = {
  readonly burst: number
  readonly perSecond: number
  /** Milliseconds that no clock's setting changes. */
  readonly monotonic: () => number
  /** Keys that are remembered; the one heard of longest ago is forgotten first. @defaultValue 10,000 */
  readonly most?: number
}

/** Memory is bounded, whatever number of keys comes. */
export function createTokenBuckets({ burst, perSecond, monotonic, most = 10_000 }: Options): TokenBuckets {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>()
  const refilled = (key: string) => {
    const at = monotonic()
    const { left, at: before } = buckets.get(key) ?? { left: burst, at }
    return { at, left: Math.min(burst, left + ((at - before) / 1000) * perSecond) }
  }
  return {
    left: (key) => refilled(key).left,
    take: (key) => {
      const { left, at } = refilled(key)
      buckets.delete(key)
      buckets.set(key, { left: left - 1, at })
      const [oldest] = buckets.keys()
      if (buckets.size > most && oldest !== undefined) buckets.delete(oldest)
    },
    wait: (key) => Math.max(0, ((1 - refilled(key).left) / perSecond) * 1000),
  }
}
