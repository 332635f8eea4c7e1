import type { Readable } from 'node:stream'

/**
 * Hands on what a stream gives, one chunk after the other and each when the one before is through, so that a slow reader
 * slows the writer down. Resolves at the stream's end, when the last chunk is through.
 */
export function pump(source: Readable, handOn: (chunk: Buffer) => Promise<void>): Promise<void> {
  let through = Promise.resolve()
  return new Promise((resolve) => {
    source.on('data', (chunk: Buffer) => {
      source.pause()
      through = handOn(chunk).then(() => {
        source.resume()
      })
    })
    // The end does not wait for a paused stream whose last chunk was given.
    const end = () => void through.then(resolve)
    source.once('end', end)
    source.once('close', end)
  })
}
