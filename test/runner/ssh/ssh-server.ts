import { spawn } from 'node:child_process'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2'
import { onTestFinished } from 'vitest'
import { makeKeyPair } from '../../../runner/keys/key-pair.ts'
import type { SshLogin } from '../../../runner/ssh/connect-ssh.ts'
import { type SftpOptions, serveSftp } from './sftp-server.ts'

type ServerOptions = {
  /** What a command does. @defaultValue a real `sh -c` on this computer */
  readonly onExec?: (command: string, channel: ServerChannel) => void
  readonly sftp?: SftpOptions
  /** Whether a port may be forwarded back, as `AllowTcpForwarding` says. @defaultValue true */
  readonly forwards?: boolean
  readonly port?: number
  /** @defaultValue new ones */
  readonly keys?: Keys
}

type KeyPair = ReturnType<typeof makeKeyPair>
type Keys = { readonly host: KeyPair; readonly user: KeyPair }

export type SshServer = {
  readonly port: number
  /** Who is let in, and the host key to expect. */
  readonly login: SshLogin
  /** For another one that is the same to its clients. */
  readonly keys: Keys
  /** Connections that were let in so far. */
  readonly logins: () => number
  /** Breaks every connection off, as a killed sshd would. */
  drop(): void
  close(): Promise<void>
}

/** A real SSH server on a port of 127.0.0.1, closed after the test: the guest's side of a connection. */
export async function startSshServer(options: ServerOptions = {}): Promise<SshServer> {
  const { onExec = runCommand, forwards = true, port = 0, keys = makeKeys() } = options
  let logins = 0
  const server = new ssh2.Server({ hostKeys: [keys.host.privateKey] }, (connection) => {
    connection.on('error', () => undefined)
    connection.on('authentication', (context) => {
      if (isLogin(context, keys.user.publicKey)) context.accept()
      else context.reject(['publickey'])
    })
    connection.on('ready', () => {
      logins++
    })
    connection.on('session', (accept) => {
      const session = accept()
      session.on('exec', (acceptExec, _reject, { command }) => {
        const channel = acceptExec()
        channel.on('error', () => undefined)
        onExec(command, channel)
      })
      session.on('sftp', (acceptSftp) => serveSftp(acceptSftp(), options.sftp))
    })
    serveForwards(connection, forwards)
  })
  const sockets = new Set<Socket>()
  const listener = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => sockets.delete(socket))
    server.injectSocket(socket)
  })
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve))

  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  const close = async () => {
    drop()
    await new Promise<void>((resolve) => listener.close(() => resolve()))
  }
  onTestFinished(close)
  return {
    port: (listener.address() as AddressInfo).port,
    login: { user: 'ci', privateKey: keys.user.privateKey, hostKey: keys.host.publicKey },
    keys,
    logins: () => logins,
    drop,
    close,
  }
}

function makeKeys(): Keys {
  return { host: makeKeyPair('host'), user: makeKeyPair('user') }
}

/** Runs a command for real, and ends its channel as a guest's sshd would; a lost channel ends what is left of it. */
export function runCommand(command: string, channel: ServerChannel): void {
  const child = spawn('sh', ['-c', command], { stdio: 'pipe', detached: true })
  channel.once('close', () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  channel.pipe(child.stdin).on('error', () => undefined)
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  child.once('close', (code) => {
    channel.exit(code ?? 255)
    channel.end()
  })
}

function isLogin(context: AuthContext, publicKey: string): boolean {
  if (context.method !== 'publickey' || context.username !== 'ci') return false
  return context.key.data.equals(Buffer.from(publicKey.split(' ')[1] ?? '', 'base64'))
}

function serveForwards(connection: Connection, allowed: boolean): void {
  connection.on('request', (accept, reject, name, { bindAddr, bindPort }) => {
    if (name !== 'tcpip-forward' || !allowed) return reject?.()
    const listener = createServer((socket) => {
      const { remoteAddress = '', remotePort = 0 } = socket
      const to = (listener.address() as AddressInfo).port
      connection.forwardOut(bindAddr, to, remoteAddress, remotePort, (error, channel) => {
        if (error) return socket.destroy()
        socket.on('error', () => channel.end())
        channel.on('error', () => socket.destroy())
        socket.pipe(channel).pipe(socket)
      })
    })
    listener.once('error', () => reject?.())
    listener.listen(bindPort, bindAddr, () => accept?.((listener.address() as AddressInfo).port))
    connection.once('close', () => listener.close())
  })
}
