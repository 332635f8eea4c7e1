import { createServer, type Server, type Socket } from 'node:net'
import ssh2, { type Connection } from 'ssh2'
import { ConfigError } from '../../config/errors.ts'
import { insideOf } from '../../runner/ssh/ssh2/inside.ts'
import { createAdmission } from './create-admission.ts'
import { expectLogin } from './expect-login.ts'
import type { Gateway, GatewayOptions, LoginUse } from './gateway.ts'
import { defaultGatewayLimits } from './gateway-limits.ts'
import { type Login, openSession, type Session } from './open-session.ts'
import { serveForwards } from './serve-forwards.ts'
import { serveSessionChannels } from './serve-session-channels.ts'

/** bytes that may wait for a client; what is bridged stops far below */
const mostUnsent = 6 * 1024 * 1024
/** ms that connections get to end by themselves when the gateway closes */
const closeMs = 3_000

/** What a gateway and its clients agree on: elliptic curves, ciphers that also protect integrity, no compression. */
const algorithms: ssh2.Algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org', 'ecdh-sha2-nistp256', 'ecdh-sha2-nistp384'],
  serverHostKey: ['ssh-ed25519'],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes128-ctr',
    'aes256-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
}

/**
 * Listens for SSH clients of maintainers and lets them into the machines of their jobs.
 *
 * @throws {ConfigError} when it cannot listen there
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log } = options
  const audit: GatewayOptions['audit'] = (entry) => {
    try {
      options.audit(entry)
    } catch (error) {
      log.error({ err: error, entry }, 'an entry of the audit record could not be written')
    }
  }
  const limits = { ...defaultGatewayLimits, ...options.limits }
  const admission = createAdmission(limits)
  const sockets = new Set<Socket>()
  /** Connections that have not logged in, each with the timer that ends it. */
  const waiting = new Map<Socket, NodeJS.Timeout>()
  const sessions = new Set<Session>()
  const sessionsOf = (job: string, use?: LoginUse) =>
    Array.from(sessions).filter(({ login }) => login.job === job && (use === undefined || login.use === use))

  const enter = (connection: Connection, socket: Socket, login: Login): string | undefined => {
    // Whoever types on the console does so beside whoever has a shell.
    const inside = sessionsOf(login.job, login.use)
    if (inside.length >= limits.sessionsPerJob) {
      const names = inside.map((session) => `${session.login.who} from ${session.login.from}`).join(', ')
      return `job ${login.job} has ${inside.length} of ${limits.sessionsPerJob} sessions already: ${names}`
    }
    clearTimeout(waiting.get(socket))
    waiting.delete(socket)
    admission.refund(socket.remoteAddress ?? '')
    const { connect, openConsole, record } = options
    const session = openSession({ connection, login, limits, audit, connect, openConsole, record })
    sessions.add(session)
    void session.closed.then(() => sessions.delete(session))
    serveSessionChannels(session)
    serveForwards(session)
    connection.on('request', (_accept, reject, name) => {
      session.deny(`${name}: nothing is forwarded out of the machine`)
      reject?.()
    })
    return undefined
  }

  const ssh = new ssh2.Server({
    hostKeys: [options.hostKey],
    ident: 'Mayfly',
    algorithms,
    keepaliveInterval: 15_000,
    keepaliveCountMax: 4,
  })
  ssh.on('connection', (connection: Connection) => {
    const { _sock: socket } = insideOf(connection)
    // What a client does wrong ends its connection, which is all that is to be done about it.
    connection.on('error', (error: Error) => log.debug({ err: error }, 'an SSH client went wrong'))
    expectLogin({
      ...{ connection, from: placeOf(socket), log },
      ...{ authorize: options.authorize, audit },
      enter: (login) => enter(connection, socket, login),
    })
  })

  const refuse = (socket: Socket, refusal: { why: string; isFirst: boolean }) => {
    const from = placeOf(socket)
    if (refusal.isFirst) {
      const { why } = refusal
      audit({ at: new Date(), from, job: '', what: 'refused', why, fingerprints: [] })
    }
    // RFC 4253 section 4.2 allows lines before the version; `ssh -v` shows them.
    socket.end(`Mayfly: ${refusal.why}\r\n`, () => socket.destroy())
  }

  const listener = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy())
    const address = socket.remoteAddress
    if (address === undefined) return socket.destroy()
    const refusal = admission.enter(address)
    if (refusal !== undefined) return refuse(socket, refusal)
    sockets.add(socket)
    waiting.set(
      socket,
      setTimeout(() => socket.destroy(), limits.handshakeMs),
    )
    socket.once('close', () => {
      clearTimeout(waiting.get(socket))
      waiting.delete(socket)
      sockets.delete(socket)
      admission.leave(address)
    })
    ssh.injectSocket(socket)
    // Who asks without end and reads no answer.
    socket.on('data', () => {
      if (socket.writableLength > mostUnsent) socket.destroy()
    })
  })
  await listen(listener, options.listen)
  const bound = listener.address()
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.listen.port
  log.info({ host: options.listen.host, port }, 'the SSH gateway listens')

  return {
    port,
    sessions: () => Array.from(sessions, (session) => session.view()),
    endSessionsOf: async (job, why) => {
      const ending = sessionsOf(job)
      for (const session of ending) session.end(why)
      await Promise.all(ending.map(({ closed }) => closed))
    },
    close: async () => {
      const closed = [
        new Promise<void>((resolve) => listener.close(() => resolve())),
        ...Array.from(sessions, (session) => session.closed),
      ]
      for (const socket of waiting.keys()) socket.destroy()
      for (const session of sessions) session.end('the gateway stops')
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, closeMs)
      await Promise.all(closed)
      clearTimeout(timer)
    },
  }
}

function placeOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`
}

function listen(listener: Server, { host, port }: GatewayOptions['listen']): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new ConfigError(`expected to listen for SSH on ${host}:${port}, got ${cause.code ?? cause.message}`, {
          hint:
            cause.code === 'EADDRINUSE' ? 'another process listens there: choose another port' : undefined,
          cause,
        }),
      ),
    )
    listener.listen(port, host, resolve)
  })
}
