import { existsSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { formatDuration } from '../../../config/duration.ts'
import type { Machine } from '../../../runner/machine/machine.ts'

type AwaitEnd = {
  readonly machine: Pick<Machine, 'ended'>
  /** Whoever removes it wants the machine to end. */
  readonly file: string
  /** milliseconds; undefined for no end */
  readonly ms: number | undefined
  readonly signal: AbortSignal
}

/** Waits until a kept machine has had its time, in whatever way, and says why. */
export function awaitEnd({ machine, file, ms, signal }: AwaitEnd): Promise<string> {
  return new Promise((resolve) => {
    const end = (why: string) => {
      clearTimeout(timer)
      watcher.close()
      signal.removeEventListener('abort', abort)
      resolve(why)
    }
    const abort = () => end('interrupted')
    const look = () => existsSync(file) || end('somebody ended it')
    const timer =
      ms === undefined ? undefined : setTimeout(() => end(`its ${formatDuration(ms)} are over`), ms)
    // Its folder goes with the machine, of whose end the other promise tells.
    const watcher = watch(dirname(file), look).on('error', () => undefined)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    void machine.ended.then(({ kind }) => end(`the machine ended: ${kind}`))
  })
}
