/**
 * Lets all who ask while one reading is under way share the next one. Nobody is given what was read before he asked,
 * and however many ask, there is one reading at a time.
 */
export function shareNext<T>(read: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<unknown> = Promise.resolve()
  let next: Promise<T> | undefined
  const begin = async () => {
    await underWay
    next = undefined
    const reading = read()
    underWay = reading.catch(() => undefined)
    return await reading
  }
  return () => {
    next ??= begin()
    return next
  }
}
