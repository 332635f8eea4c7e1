import type { Socket } from 'node:net'
import { connect } from 'node:net'

const connectTimeout = 10_000

/** Connects to the first of the addresses that answers, each given ten seconds; rejects with the last error. */
export async function dial(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Socket> {
  let failure: unknown = new Error('no address to connect to')
  for (const address of addresses) {
    try {
      return await dialOne(address, port, signal)
    } catch (error) {
      if (signal.aborted) throw error
      failure = error
    }
  }
  throw failure
}

function dialOne(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    const settle = (error?: Error): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      socket.off('error', settle)
      if (error === undefined) {
        resolve(socket)
      } else {
        socket.destroy()
        reject(error)
      }
    }
    const onAbort = () => settle(new Error('the client has gone'))
    const timer = setTimeout(
      () => settle(new Error(`no answer from ${host} in ${connectTimeout / 1000} s`)),
      connectTimeout,
    )
    signal.addEventListener('abort', onAbort)
    socket.once('error', settle)
    socket.once('connect', () => settle())
  })
}
