import type { RawData, WebSocket } from 'ws'
import type { BrowserShell, ShellReader } from './browser-shell.ts'
import type { ScreenSize } from './enter-gateway.ts'
import { type BrowserMessage, readBrowserMessage, type TerminalMessage } from './terminal-message.ts'

export type ServeTerminal = {
  readonly socket: WebSocket
  readonly open: (size: ScreenSize) => Promise<BrowserShell>
  readonly find: (id: string) => BrowserShell | undefined
  /** Asked with each sign of life: whether the browser would be let in now. */
  readonly mayStay: () => Promise<boolean>
  readonly times?: Partial<TerminalTimes>
}

/** milliseconds */
export type TerminalTimes = {
  /** Between two signs of life; whoever answers none is taken for gone. */
  readonly beat: number
  /** To the first message. */
  readonly first: number
  /** A shell waits so long for a browser whose connection broke, */
  readonly linger: number
  /** and so long for one that left the page, which may be a reload. */
  readonly leave: number
}

const usualTimes: TerminalTimes = { beat: 15_000, first: 10_000, linger: 60_000, leave: 5_000 }

/** bytes that were typed and not taken; a page keeps to a quarter of it */
const mostUntaken = 256 * 1024
/** RFC 6455 section 7.4.1 */
const normal = 1000
const goingAway = 1001
const policyViolation = 1008

/** Joins a browser's WebSocket with a shell: binary messages are bytes, text is `BrowserMessage` and `TerminalMessage`. */
export function serveTerminal({ socket, open, find, mayStay, ...options }: ServeTerminal): void {
  const times = { ...usualTimes, ...options.times }
  let shell: BrowserShell | undefined
  let untaken = 0
  let taken = 0
  let isAlive = true
  let isOver = false
  let turn: Promise<void> = Promise.resolve()

  const tell = (message: TerminalMessage) => {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(message))
  }
  const finish = (why: string) => {
    tell({ type: 'ended', why })
    socket.close(normal)
  }
  const reader: ShellReader = {
    output: (chunk) => socket.send(chunk),
    ended: finish,
    replaced: () => {
      shell = undefined
      finish('it is shown in another window now')
    },
  }
  const attach = (next: BrowserShell, at: number) => {
    shell = next
    tell({ type: 'opened', id: next.id, until: next.until, ...next.attach(reader, at) })
  }

  const drop = (unread: BrowserShell) => {
    unread.attach(reader, 0)
    unread.end('its browser left')
    unread.detach(reader, 0)
  }

  const hear = async (message: BrowserMessage) => {
    switch (message.type) {
      case 'open': {
        if (shell !== undefined) return
        const opened = await open(message)
        // Nobody is there to read it; whoever comes back did not learn its id.
        if (isOver) return drop(opened)
        return attach(opened, 0)
      }
      case 'resume': {
        if (shell !== undefined) return
        const found = find(message.id)
        if (found === undefined) return tell({ type: 'gone' })
        attach(found, message.at)
        return found.resize(message)
      }
      case 'resize':
        return shell?.resize(message)
      case 'shown':
        return shell?.took(reader, message.at)
      case 'end':
        return shell?.end('it was closed')
    }
  }

  const type = (chunk: Buffer) => {
    if (shell === undefined) return
    untaken += chunk.length
    if (untaken > mostUntaken) return socket.close(policyViolation, 'expected to wait for `typed`')
    void shell.type(chunk).then(() => {
      untaken -= chunk.length
      taken += chunk.length
      tell({ type: 'typed', at: taken })
    })
  }

  const first = setTimeout(() => socket.close(policyViolation, 'expected `open` or `resume`'), times.first)
  const beat = setInterval(() => {
    if (!isAlive) return socket.terminate()
    isAlive = false
    socket.ping()
    tell({ type: 'beat' })
    void mayStay().then((may) => {
      if (!may) shell?.end('its token is no longer good')
    })
  }, times.beat)
  socket.on('pong', () => {
    isAlive = true
  })
  socket.on('message', (data, isBinary) => {
    if (isBinary) return type(bytesOf(data))
    const message = readBrowserMessage(bytesOf(data).toString('utf8'))
    if (message === undefined) return socket.close(policyViolation, 'expected a message of the protocol')
    // A gateway may take its time.
    clearTimeout(first)
    // What a shell is told comes after what opened it.
    turn = turn
      .then(() => hear(message))
      .catch((error: unknown) => finish(error instanceof Error ? error.message : String(error)))
  })
  // A message that is too long or no WebSocket's ends in 'close' as well.
  socket.on('error', () => socket.terminate())
  socket.on('close', (code) => {
    isOver = true
    clearTimeout(first)
    clearInterval(beat)
    if (code === normal) shell?.end('its page was closed')
    shell?.detach(reader, code === normal ? 0 : code === goingAway ? times.leave : times.linger)
  })
}

function bytesOf(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
}
