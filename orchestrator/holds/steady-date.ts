type SteadyDate = {
  /** Milliseconds from now. */
  readonly ms: number
  readonly now: () => Date
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  readonly monotonic?: () => number
}

/** What clocks differ in by themselves, ms: no reason to tell another date. */
const tolerance = 1000

/** A time to come, told as the wall clock has it at the moment of asking: it comes when it comes, whoever sets that clock. */
export function steadyDate({ ms, now, monotonic = () => performance.now() }: SteadyDate): () => Date {
  const at = monotonic() + ms
  const told = now().getTime() + ms
  return () => {
    const fresh = now().getTime() + at - monotonic()
    return new Date(Math.abs(fresh - told) < tolerance ? told : Math.round(fresh))
  }
}
