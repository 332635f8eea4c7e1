/**
 * How long a try waits after `tries` failed ones, in ms: doubled each time up to a bound, between half of it and all
 * of it by chance, so that what failed together does not come back together. Never less than the other side asked for.
 */
export function retryDelay(options: {
  tries: number
  limits: { firstRetry: number; lastRetry: number }
  /** ms that the other side asked for. */
  asked: number | undefined
  /** From 0 up to 1. @defaultValue Math.random */
  random?: () => number
}): number {
  const { tries, limits, asked = 0, random = Math.random } = options
  const grown = Math.min(limits.lastRetry, limits.firstRetry * 2 ** Math.min(tries - 1, 30))
  return Math.ceil(Math.max(asked, grown * (0.5 + random() / 2)))
}
