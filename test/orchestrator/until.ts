import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until something is so; fails with what was expected after a minute, for a busy host is slow. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  ms = 60_000,
): Promise<void> {
  const late = Date.now() + ms
  while (!(await isSo())) {
    if (Date.now() > late) throw new Error(`expected within ${ms} ms: ${what}`)
    await sleep(10)
  }
}
