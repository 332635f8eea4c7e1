import { Cancelled } from '../../runner/job/outcome.ts'
import { exitCodes } from './exit-codes.ts'

type Interrupts = { readonly signal: AbortSignal; readonly end: () => void }

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * The first Ctrl-C (or TERM, or a closed terminal) cancels in good order; the second is the hard way: `onHard` clears
 * away what it can at once and the process ends.
 */
export function catchInterrupts({
  onFirst,
  onHard,
}: {
  onFirst: (name: NodeJS.Signals) => void
  onHard: () => void
}): Interrupts {
  const controller = new AbortController()
  const handler = (name: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      onHard()
      process.exit(exitCodes.interrupted)
    }
    onFirst(name)
    controller.abort(new Cancelled(name === 'SIGINT' ? 'interrupted (Ctrl-C)' : `ended by ${name}`))
  }
  for (const name of names) process.on(name, handler)
  return {
    signal: controller.signal,
    end: () => {
      for (const name of names) process.off(name, handler)
    },
  }
}
