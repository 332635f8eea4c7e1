export type TimeLimit = {
  /** Aborted after the time, with `reason`, or with the signal it was made from. */
  readonly signal: AbortSignal
  /** Whether the time is over. */
  readonly isOver: () => boolean
  /** Lets go of the timer; to be called when what was limited is done. */
  readonly clear: () => void
}

/**
 * Bounds a signal by milliseconds. Not `AbortSignal.any([signal, AbortSignal.timeout(ms)])`: nothing but a weak
 * reference holds such a timeout, and once it was collected it never fires.
 *
 * @see https://github.com/nodejs/node/issues/57736
 */
export function timeLimit(signal: AbortSignal, ms: number, reason = 'the time is over'): TimeLimit {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(new Error(reason)), ms)
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    isOver: () => controller.signal.aborted,
    clear: () => clearTimeout(timer),
  }
}
