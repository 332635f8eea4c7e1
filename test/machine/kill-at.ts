import { readFile } from 'node:fs/promises'
import { expect, vi } from 'vitest'
import type { Mayfly } from './mayfly.ts'

type KillAt = {
  readonly start: () => Mayfly
  /** Of the kind that passes, such as a file that lies there for a moment. */
  readonly isNow: () => Promise<boolean>
  /** Makes way for another try after one that was through before anybody saw it. */
  readonly again: () => PromiseLike<unknown>
}

const tries = 10
const watched = { timeout: 300_000, interval: 2 }

/** Starts a `mayfly` and kills it at a moment of its life; tries again where it was faster than the look at it. */
export async function killAt({ start, isNow, again }: KillAt): Promise<void> {
  for (let left = tries; left > 0; left--) {
    const mayfly = start()
    await vi.waitFor(async () => expect(isOver(mayfly) || (await isNow())).toBe(true), watched)
    // Held first, so that what is seen now is what the kill finds.
    mayfly.kill('SIGSTOP')
    await vi.waitFor(async () => expect(await isHeld(mayfly)).toBe(true), watched)
    const isSeen = await isNow()
    mayfly.kill('SIGKILL')
    await mayfly
    if (isSeen) return
    await again()
  }
  throw new Error(`expected to see the moment in ${tries} tries`)
}

const isOver = ({ exitCode, signalCode }: Mayfly) => exitCode !== null || signalCode !== null

/** Whether it is stopped, or ended already; the state follows its name in parentheses (proc_pid_stat(5)). */
async function isHeld({ pid }: Mayfly): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return stat === '' || /\) [TZ] /.test(stat)
}
