import type { Duplex } from 'node:stream'

/**
 * Ends a stream on which nothing moved for `idle` milliseconds in either direction. An SSH channel has no
 * `setTimeout` as a socket has, and a stream has no event for what is written to it.
 * To be called when the stream has its reader, for listening to its data sets it flowing.
 */
export function destroyWhenIdle(stream: Duplex, idle: number): void {
  const timer = setTimeout(() => stream.destroy(), idle)
  const { write } = stream
  stream.on('data', () => timer.refresh())
  stream.write = ((...args: Parameters<typeof write>) => {
    timer.refresh()
    return write.apply(stream, args)
  }) as typeof write
  stream.once('close', () => clearTimeout(timer))
}
