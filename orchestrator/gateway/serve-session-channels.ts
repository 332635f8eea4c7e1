import type { ServerChannel, Session as Ssh2Session } from 'ssh2'
import type { ChannelRequest } from './channel-request.ts'
import type { Session } from './open-session.ts'
import { runChannel } from './run-channel.ts'
import { consoleSubsystem, runConsole } from './run-console.ts'
import { refuseChannel } from './ssh2/refuse-channel.ts'
import type { TerminalSize } from './start-recording.ts'

/** Sizes and signals that come after a channel has begun. */
export type ChannelEvents = {
  onResize?: (size: TerminalSize & { readonly width: number; readonly height: number }) => void
  onSignal?: (name: string) => void
  onClosed?: () => void
}

/** What a client may set in the environment of its shell; the machine's sshd may take less. */
const variables = ['LANG', 'TERM']

/** Shells, commands and SFTP of a login. Agent and X11 forwarding are refused, for they lead out of the machine. */
export function serveSessionChannels(session: Session): void {
  const { connection, limits } = session
  let open = 0
  connection.on('session', (accept, reject) => {
    if (open >= limits.channels) {
      const why = `${open} shells, commands and copies of this session run already`
      session.deny(why)
      return refuseChannel(connection, reject, `Mayfly: ${why}`)
    }
    open += 1
    const channel = accept()
    channel.once('close', () => {
      open -= 1
    })
    serveOne(session, channel)
  })
}

function serveOne(session: Session, channel: Ssh2Session): void {
  const env: Record<string, string> = {}
  const events: ChannelEvents = {}
  let pty: ChannelRequest['pty']
  // A request that wants no answer comes without `accept` and `reject`, whatever the types say.
  channel.on('pty', (accept, _reject, info) => {
    pty = info
    accept?.()
  })
  channel.on('env', (accept, reject, { key, val }) => {
    if (!variables.includes(key) || !/^[\w.@:+-]{1,64}$/.test(val)) return reject?.()
    env[key] = val
    accept?.()
  })
  channel.on('window-change', (accept, _reject, { cols, rows, width, height }) => {
    if (pty !== undefined) pty = { ...pty, cols, rows, width, height }
    events.onResize?.({ cols, rows, width, height })
    accept?.()
  })
  channel.on('signal', (accept, _reject, { name }) => {
    events.onSignal?.(name)
    accept?.()
  })
  for (const [event, what] of [['auth-agent', 'an agent'] as const, ['x11', 'X11'] as const]) {
    channel.on(event, (_accept: unknown, reject?: () => void) => {
      session.deny(`${what} was to be forwarded, which leads out of the machine`)
      reject?.()
    })
  }
  const begin = (accept: () => ServerChannel, kind: ChannelRequest['kind'], command: string) =>
    void runChannel({ session, stream: accept(), request: { kind, command, pty, env }, events }).catch(
      (error: unknown) => session.end(`something went wrong in the gateway: ${error}`),
    )
  channel.once('close', () => events.onClosed?.())
  if (session.login.use === 'console') {
    serveConsole(session, channel, events)
    return
  }
  channel.on('shell', (accept) => begin(accept, 'shell', ''))
  channel.on('exec', (accept, _reject, { command }) => begin(accept, 'exec', command))
  channel.on('subsystem', (accept, reject, { name }) => {
    if (name === 'sftp') return begin(accept, 'sftp', '')
    session.deny(`the subsystem ${name.slice(0, 100)}`)
    reject?.()
  })
}

/** A key that was made for the console opens that and nothing else. */
function serveConsole(session: Session, channel: Ssh2Session, events: ChannelEvents): void {
  const deny = (what: string, reject?: () => void) => {
    session.deny(`${what}, with a key for the console`)
    reject?.()
  }
  channel.on('shell', (_accept, reject) => deny('a shell', reject))
  channel.on('exec', (_accept, reject) => deny('a command', reject))
  channel.on('subsystem', (accept, reject, { name }) => {
    if (name !== consoleSubsystem) return deny(`the subsystem ${name.slice(0, 100)}`, reject)
    void runConsole({ session, stream: accept(), events }).catch((error: unknown) =>
      session.end(`something went wrong in the gateway: ${error}`),
    )
  })
}
