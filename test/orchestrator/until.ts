import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something is so; fails with what was expected after ten seconds. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  ms = 10_000,
): Promise<void> {
  const late = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > late) throw new Error(`expected within ${ms} ms: ${what}`)
    await sleep(10)
  }
}
