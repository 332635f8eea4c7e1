/** Calls through at most every 100 ms: a progress bar needs no more, and a pull has a chunk every millisecond. */
export function throttled<T>(call: (value: T) => void): (value: T) => void {
  let last = 0
  return (value) => {
    const now = performance.now()
    if (last === 0 || now - last >= 100) {
      last = now
      call(value)
    }
  }
}
