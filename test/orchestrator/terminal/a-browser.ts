import type { WebSocket } from 'ws'
import type { BrowserMessage, TerminalMessage } from '../../../orchestrator/terminal/terminal-message.ts'
import { until } from '../until.ts'

/** What a browser is to the server: a WebSocket, and what came over it. */
export type ABrowser = {
  readonly socket: WebSocket
  readonly told: readonly TerminalMessage[]
  /** All bytes so far. */
  output(): string
  say(message: BrowserMessage | object): void
  type(text: string): void
  /** The first message of a kind, once it has come. */
  message<T extends TerminalMessage['type']>(type: T): Promise<Extract<TerminalMessage, { type: T }>>
  /** Waits until this was shown. */
  shows(text: string): Promise<void>
}

/** @param acks whether it says what it has shown */
export function aBrowser(socket: WebSocket, acks = true): ABrowser {
  const told: TerminalMessage[] = []
  const chunks: Buffer[] = []
  let at = 0
  const say = (message: object) => socket.send(JSON.stringify(message))
  const output = () => Buffer.concat(chunks).toString('utf8')
  socket.on('message', (data, isBinary) => {
    if (!isBinary) {
      const message = JSON.parse(String(data)) as TerminalMessage
      told.push(message)
      if (message.type === 'opened') at = message.from
      return
    }
    chunks.push(data as Buffer)
    at += (data as Buffer).length
    if (acks) say({ type: 'shown', at })
  })
  return {
    ...{ socket, told, output, say },
    type: (text) => socket.send(Buffer.from(text)),
    async message(type) {
      const found = () => told.find((one) => one.type === type)
      await until(`a message ${type}, got ${JSON.stringify(told)}`, () => found() !== undefined)
      return found() as never
    },
    shows: (text) => until(`${JSON.stringify(text)} to be shown`, () => output().includes(text)),
  }
}
