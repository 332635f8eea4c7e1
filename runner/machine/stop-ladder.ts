import { setTimeout as sleep } from 'node:timers/promises'
import type { DestroyReport, StopRung } from './machine.ts'

export type Stoppable = {
  /** Settles when the process is gone. */
  readonly exited: Promise<unknown>
  /** Presses the machine's power button; may reject when nobody listens. */
  powerdown(): Promise<unknown>
  kill(signal: 'SIGTERM' | 'SIGKILL'): void
}

/** milliseconds each rung is given before the next */
export type StopTimes = { readonly powerdown: number; readonly term: number }

type Stop = { machine: Stoppable; times: StopTimes; how: 'graceful' | 'now' }

/**
 * Ends a machine by the gentlest means that works within its time: ACPI power button, TERM, KILL.
 * `now` goes straight to KILL, which is right for a machine whose disk is thrown away. Says which rung worked.
 */
export async function stopLadder({ machine, times, how }: Stop): Promise<DestroyReport> {
  const started = performance.now()
  const report = (rung: StopRung) => ({ rung, ms: performance.now() - started })
  let gone = false
  const exited = machine.exited.then(() => {
    gone = true
  })
  await Promise.resolve()
  if (gone) return report('already-gone')
  if (how === 'graceful') {
    // Not awaited: a QEMU that stands still never answers.
    machine.powerdown().catch(() => undefined)
    await Promise.race([exited, pause(times.powerdown)])
    if (gone) return report('powerdown')
    machine.kill('SIGTERM')
    await Promise.race([exited, pause(times.term)])
    if (gone) return report('term')
  }
  machine.kill('SIGKILL')
  await exited
  return report('kill')
}

function pause(ms: number): Promise<void> {
  return sleep(ms, undefined, { ref: false })
}
