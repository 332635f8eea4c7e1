/**
 * What `promise` gives, or at once the reason of an aborted signal. What was under way goes on unheard, so that
 * somebody has to end it: a guest that hangs never answers, not even to being let go.
 */
export function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    const settled = () => signal.removeEventListener('abort', abort)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    promise.then(resolve, reject).finally(settled)
  })
}
