/** How old things are, by a clock that nobody sets: it counts on from what the wall clock said at first sight. */
export type SteadyAges = {
  /** Milliseconds since `at`, which is ms since 1970. */
  of(id: string, at: number): number
  forget(id: string): void
}

type Clocks = {
  readonly now: () => Date
  /** Milliseconds that no clock's setting changes. @defaultValue performance.now */
  readonly monotonic?: (() => number) | undefined
}

export function createSteadyAges({ now, monotonic = () => performance.now() }: Clocks): SteadyAges {
  const began = new Map<string, number>()
  return {
    of: (id, at) => {
      const known = began.get(id) ?? monotonic() - Math.max(0, now().getTime() - at)
      began.set(id, known)
      return monotonic() - known
    },
    forget: (id) => {
      began.delete(id)
    },
  }
}
