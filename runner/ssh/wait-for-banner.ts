import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 60
const staggerMs = 500
const attemptMs = 10_000
const maxPending = 3

/**
 * Connects to a forwarded port until an SSH server shows its banner there, and gives that socket, banner unread.
 *
 * QEMU accepts the connection long before the guest does, so that a connect proves nothing; and a connect made before
 * the guest's network is up waits for its retransmission. So a silent attempt is overtaken by a new one after half
 * a second, at most three at once, and whichever speaks first wins.
 */
export async function waitForBanner({
  port,
  signal,
}: {
  port: number
  signal: AbortSignal
}): Promise<Socket> {
  const pending = new Set<Socket>()
  const stop = new AbortController()
  try {
    const socket = await new Promise<Socket>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: stop.signal })
      signal.throwIfAborted()
      attemptUntilStopped({ port, pending, signal: stop.signal, onBanner: resolve }).catch(reject)
    })
    pending.delete(socket)
    return socket
  } finally {
    stop.abort()
    for (const socket of pending) socket.destroy()
  }
}

type Attempts = {
  port: number
  pending: Set<Socket>
  signal: AbortSignal
  onBanner: (socket: Socket) => void
}

async function attemptUntilStopped({ port, pending, signal, onBanner }: Attempts): Promise<void> {
  while (!signal.aborted) {
    if (pending.size >= maxPending) {
      await sleep(pollMs)
      continue
    }
    const ended = attempt({ port, pending, onBanner })
    await Promise.race([ended, sleep(staggerMs)])
    await sleep(pollMs)
  }
}

/** One connection; settles when it is closed again without a word. */
function attempt({ port, pending, onBanner }: Omit<Attempts, 'signal'>): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    pending.add(socket)
    const timer = setTimeout(() => socket.destroy(), attemptMs)
    const end = () => {
      clearTimeout(timer)
      pending.delete(socket)
      resolve()
    }
    socket.on('error', end)
    socket.once('close', end)
    socket.once('readable', () => {
      if (socket.readableLength === 0) return
      clearTimeout(timer)
      socket.off('error', end)
      socket.off('close', end)
      onBanner(socket)
    })
  })
}
