import type { Socket } from 'node:net'
import ssh2, { type Client } from 'ssh2'
import { guardPeer } from './ssh2/guard-peer.ts'

export type SshLogin = {
  readonly user: string
  /** OpenSSH PEM */
  readonly privateKey: string
  /** The machine's own public key as it stands in its seed: `ssh-ed25519 AAAA…`. Any other is refused. */
  readonly hostKey: string
}

type Connect = {
  socket: Socket
  login: SshLogin
  signal: AbortSignal
  timeoutMs?: number
  /** Hears what the server says before the login. */
  onBanner?: (text: string) => void
}

/**
 * Opens an authenticated SSH connection over a socket that has shown its banner.
 *
 * Throws what ssh2 says, or that the guest showed another host key than the one it was given.
 */
export function connectSsh({ socket, login, signal, timeoutMs = 60_000, ...on }: Connect): Promise<Client> {
  const client = new ssh2.Client()
  // Each command that is being opened listens for the connection's end; their number is for the callers to bound.
  client.setMaxListeners(0)
  const pinned = Buffer.from(login.hostKey.split(' ')[1] ?? '', 'base64')
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', abort)
      client.destroy()
      socket.destroy()
      reject(error)
    }
    const abort = () => fail(signal.reason)
    if (signal.aborted) return fail(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    // A listener that stays: without one, an error after 'ready' would end the whole process.
    client.on('error', fail)
    client.once('close', () => fail(new Error('the guest closed the SSH connection')))
    client.on('banner', (text) => on.onBanner?.(text))
    client.once('ready', () => {
      signal.removeEventListener('abort', abort)
      // ssh2 never asks for it, and Nagle holds SFTP writes to 2 MB/s.
      client.setNoDelay(true)
      resolve(client)
    })
    client.connect({
      sock: socket,
      username: login.user,
      privateKey: login.privateKey,
      readyTimeout: timeoutMs,
      keepaliveInterval: 10_000,
      keepaliveCountMax: 6,
      hostVerifier: (key: Buffer) => key.equals(pinned),
      algorithms: {
        kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256'],
        serverHostKey: ['ssh-ed25519'],
        compress: ['none'],
      },
    })
    guardPeer(client)
  })
}
