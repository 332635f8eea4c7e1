import { connect } from 'node:net'

/**
 * Whether nobody listens on a unix socket, or it is not there. One that is only slow to answer is not dead, nor is one
 * that cannot be told; never rejects.
 */
export function isDeadSocket(path: string, ms = 1000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    const settle = (dead: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(dead)
    }
    const timer = setTimeout(settle, ms, false)
    socket.on('connect', () => settle(false))
    socket.on('error', ({ code }: NodeJS.ErrnoException) =>
      settle(code === 'ECONNREFUSED' || code === 'ENOENT'),
    )
  })
}
