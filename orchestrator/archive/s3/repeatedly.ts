import { setTimeout as sleep } from 'node:timers/promises'

/** ms that the end of a server waits for a request to a storage that does not answer */
const patienceMs = 3000

/**
 * Does work again and again, with a pause between, until it is closed. The work must not reject. `close` resolves when it
 * is over, or soon: what a storage has not got by then, it gets after the next start.
 */
export function repeatedly(
  work: (signal: AbortSignal) => Promise<void>,
  everyMs: number,
): { close(): Promise<void> } {
  const ending = new AbortController()
  const { signal } = ending
  const run = async () => {
    while (!signal.aborted) {
      await work(signal)
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
  }
  const running = run()
  return {
    close: async () => {
      ending.abort()
      await Promise.race([running, sleep(patienceMs, undefined, { ref: false })])
    },
  }
}
