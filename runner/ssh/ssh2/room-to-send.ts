import type { Inside } from './inside.ts'

/** bytes that may wait in a socket before the next is written into it */
const fullBytes = 1024 * 1024
/** packets that may wait for the end of a key exchange; each has at most 32 KiB */
const fullPackets = 32

/**
 * Waits until a connection has sent most of what it was given. A peer's window is no bound by itself: it may allow 4 GiB
 * and read nothing, and ssh2 does not look at what its socket says.
 */
export async function roomToSend(link: Inside): Promise<void> {
  while (isFull(link)) await next(link)
}

function isFull({ _sock: socket, _protocol: protocol }: Inside): boolean {
  if (socket.destroyed) return false
  return socket.writableLength > fullBytes || (protocol._queue?.length ?? 0) > fullPackets
}

const waiting = new WeakMap<Inside, Promise<void>>()
/** ms; a key exchange has no event of its own that both kinds of connection share */
const pollMs = 50

// Shared, so that a hundred channels that wait for one socket listen to it once.
function next(link: Inside): Promise<void> {
  const before = waiting.get(link)
  if (before !== undefined) return before
  const { _sock: socket } = link
  const promise = new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      socket.off('drain', done)
      socket.off('close', done)
      waiting.delete(link)
      resolve()
    }
    const timer = setTimeout(done, pollMs)
    socket.once('drain', done)
    socket.once('close', done)
  })
  waiting.set(link, promise)
  return promise
}
