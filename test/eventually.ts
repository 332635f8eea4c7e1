import { setTimeout as sleep } from 'node:timers/promises'

const limitMs = 120_000
const pollMs = 100

/** Asks until the answer is not undefined, and gives it; fails with what was waited for. */
export async function eventually<T>(what: string, ask: () => Promise<T | undefined>): Promise<T> {
  const end = Date.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (Date.now() > end) throw new Error(`expected within ${limitMs / 1000} s: ${what}`)
    await sleep(pollMs)
  }
}
