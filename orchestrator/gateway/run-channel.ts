import type { ServerChannel } from 'ssh2'
import { insideOf } from '../../runner/ssh/ssh2/inside.ts'
import { bridge } from './bridge.ts'
import { type ChannelRequest, requestOf, termOf } from './channel-request.ts'
import { greetingOf } from './greeting.ts'
import { openInMachine } from './open-in-machine.ts'
import type { Session, SessionChannel } from './open-session.ts'
import type { ChannelEvents } from './serve-session-channels.ts'
import { hasSensiblePackets } from './ssh2/packet-size.ts'
import { type Exit, holdClose, isOpen, sendExit } from './ssh2/send-exit.ts'
import { type Write, writeInTurn } from './ssh2/write-in-turn.ts'
import { type Recording, startRecording } from './start-recording.ts'

type RunChannel = {
  session: Session
  /** Undefined where ssh2 has begun this channel before. */
  stream: ServerChannel | undefined
  request: ChannelRequest
  events: ChannelEvents
}

/** What `ssh` itself answers when it could not run a command, or lost it. */
const evicted: Exit = { code: 255 }

/** Runs a shell, a command or SFTP in the machine, from the client's request to its exit status. */
export async function runChannel({ session, stream, request, events }: RunChannel): Promise<void> {
  if (stream === undefined) return
  if (!hasSensiblePackets(stream)) {
    stream.close()
    return
  }
  const channel = session.open(request.kind, request.command)
  const link = insideOf(session.connection)
  holdClose(stream)
  // A client that closes after the end of all output waits for the exit status; one that does so before has left.
  events.onClosed = () => {
    if (isOpen(stream)) channel.leave()
  }
  const write = writeInTurn({ channel: stream, link, gone: channel.gone })
  let recording: Recording | undefined
  const say = async (text: string) => {
    const bytes = Buffer.from(
      request.pty === undefined ? `${text}\n` : `${text.replaceAll('\n', '\r\n')}\r\n`,
    )
    await recording?.output(bytes, 'stdout')
    await write(bytes, request.pty === undefined ? stream.stderr : stream)
  }
  channel.notice = (text) => say(request.pty === undefined ? text : `\n${text}`)
  channel.evict = async (text) => {
    await channel.notice?.(text)
    sendExit(link, stream, evicted)
  }
  try {
    recording = record({ session, channel, request })
    if (request.kind === 'shell') await say(greetingOf(session.login))
    const exit = await join({ session, channel, stream, write, request, events, recording })
    sendExit(link, stream, exit)
    channel.closed(exit === undefined || 'code' in exit ? exit?.code : exit.signal)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    await say(`Mayfly: the machine could not be entered: ${why}`)
    sendExit(link, stream, evicted)
    channel.closed(undefined)
  } finally {
    recording?.end()
  }
}

type Join = RunChannel & {
  stream: ServerChannel
  channel: SessionChannel
  write: Write
  recording: Recording | undefined
}

async function join({ session, channel, stream, write, request, events, recording }: Join): Promise<Exit> {
  const client = await session.machine()
  const machine = await openInMachine(client, requestOf(request))
  events.onResize = (size) => {
    machine.channel.setWindow(size.rows, size.cols, size.height, size.width)
    recording?.resize(size)
  }
  events.onSignal = (name) => {
    if (/^[A-Z0-9]{1,16}$/.test(name)) machine.channel.signal(name)
  }
  return await bridge({
    client: { channel: stream, link: insideOf(session.connection), write },
    machine: { ...machine, link: insideOf(client) },
    gone: channel.gone,
    onToMachine: channel.toMachine,
    onFromMachine: (chunk, from) => {
      channel.fromMachine(chunk.length)
      return recording?.output(chunk, from)
    },
  })
}

/** Shells, and commands with a terminal, which may be a shell as well. A session that cannot be recorded ends. */
function record({ session, channel, request }: Pick<Join, 'session' | 'channel' | 'request'>) {
  if (request.kind !== 'shell' && request.pty === undefined) return undefined
  const { job, who } = session.login
  return startRecording({
    sink: session.record(channel.terminal(request.command)),
    size: request.pty ?? { cols: 0, rows: 0 },
    title: `${who} in the machine of job ${job}`,
    term: termOf(request.pty?.term ?? 'dumb'),
    limitBytes: session.limits.recordingBytes,
    onFailed: (error) => session.end(`it can no longer be recorded: ${error.message}`),
  })
}
