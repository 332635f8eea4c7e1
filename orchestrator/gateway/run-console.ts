import type { ServerChannel } from 'ssh2'
import { insideOf } from '../../runner/ssh/ssh2/inside.ts'
import type { Session } from './open-session.ts'
import { pump } from './pump.ts'
import type { ChannelEvents } from './serve-session-channels.ts'
import { hasSensiblePackets } from './ssh2/packet-size.ts'
import { holdClose, isOpen, sendExit } from './ssh2/send-exit.ts'
import { writeInTurn } from './ssh2/write-in-turn.ts'

/** The SSH subsystem whose input is typed on the machine's serial console; its output is empty. */
export const consoleSubsystem = 'mayfly-console'

type RunConsole = {
  session: Session
  /** Undefined where ssh2 has begun this channel before. */
  stream: ServerChannel | undefined
  events: ChannelEvents
}

/** Types what a client sends on the serial console, in order and no faster than the machine takes it. */
export async function runConsole({ session, stream, events }: RunConsole): Promise<void> {
  if (stream === undefined) return
  if (!hasSensiblePackets(stream)) {
    stream.close()
    return
  }
  const channel = session.open('console', '')
  const link = insideOf(session.connection)
  holdClose(stream)
  events.onClosed = () => {
    if (isOpen(stream)) channel.leave()
  }
  const write = writeInTurn({ channel: stream, link, gone: channel.gone })
  channel.notice = (text) => write(`${text}\n`, stream.stderr)
  channel.evict = async (text) => {
    await channel.notice?.(text)
    sendExit(link, stream, { code: 255 })
  }
  try {
    await typeAll({ session, stream, channel })
    sendExit(link, stream, { code: 0 })
    channel.closed(0)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await channel.notice(`Mayfly: ${why}`)
    sendExit(link, stream, { code: 255 })
    channel.closed(undefined)
  }
}

type TypeAll = { session: Session; stream: ServerChannel; channel: ReturnType<Session['open']> }

/** Resolves when the client has left or said all. Throws when the console takes no more. */
async function typeAll({ session, stream, channel }: TypeAll): Promise<void> {
  const console = await session.openConsole()
  const left = new Promise<void>((resolve) => {
    if (channel.gone.aborted) resolve()
    else channel.gone.addEventListener('abort', () => resolve(), { once: true })
  })
  try {
    await new Promise<void>((resolve, reject) => {
      const type = async (chunk: Buffer) => {
        channel.toMachine(chunk.length)
        await console.write(chunk).catch(reject)
      }
      void pump(stream, type).then(resolve)
      // Read to its end, for only then does ssh2 say that it is closed.
      void left.then(() => {
        stream.resume()
        resolve()
      })
    })
  } finally {
    console.close()
  }
}
