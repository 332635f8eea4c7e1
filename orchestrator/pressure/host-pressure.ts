import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'

/** Whether this host may take jobs, by what it has left. What runs goes on in any case. */
export type HostPressure = {
  /** Why no job is taken now; undefined where jobs are. */
  why(): string | undefined
  /** Resolves when jobs may be taken, or with the signal. */
  untilClear(signal: AbortSignal): Promise<void>
  /** Told when `why` begins or ends. */
  onChange(tell: () => void): void
  close(): Promise<void>
}

type Options = {
  /** Each says what is short; undefined where nothing is. One that throws says nothing. */
  readonly looks: readonly (() => Promise<string | undefined>)[]
  readonly log: Pick<Logger, 'warn' | 'info' | 'debug'>
  /** ms between two looks. @defaultValue 5 s */
  readonly every?: number
}

/** Has looked once when it resolves. */
export async function watchPressure({ looks, log, every = 5000 }: Options): Promise<HostPressure> {
  const ending = new AbortController()
  const changed = new Set<() => void>()
  let tell: () => void = () => undefined
  let seen: string | undefined
  const look = async () => {
    const found = await Promise.all(
      looks.map((one) =>
        one().catch((err: unknown) => {
          log.debug({ err }, 'a look at what this host has left failed')
          return undefined
        }),
      ),
    )
    const now = found.find((short) => short !== undefined)
    const before = seen
    seen = now
    // The figures in it change all the time.
    if ((now === undefined) === (before === undefined)) return
    if (now !== undefined) log.warn({ why: now }, 'this host takes no further jobs for now')
    else log.info({ was: before }, 'this host takes jobs again')
    for (const wake of [...changed]) wake()
    tell()
  }
  const run = async () => {
    while (!ending.signal.aborted) {
      await sleep(every, undefined, { signal: ending.signal }).catch(() => undefined)
      if (!ending.signal.aborted) await look()
    }
  }
  await look()
  const running = run()
  return {
    why: () => seen,
    untilClear: (signal) =>
      new Promise((resolve) => {
        const wake = () => {
          if (seen !== undefined && !signal.aborted) return
          changed.delete(wake)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        changed.add(wake)
        signal.addEventListener('abort', wake)
        wake()
      }),
    onChange: (listener) => {
      tell = listener
    },
    close: async () => {
      ending.abort()
      await running
    },
  }
}
