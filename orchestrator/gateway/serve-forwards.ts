import type { ServerChannel, TcpipRequestInfo } from 'ssh2'
import { insideOf } from '../../runner/ssh/ssh2/inside.ts'
import { bridge } from './bridge.ts'
import { openInMachine } from './open-in-machine.ts'
import type { Session } from './open-session.ts'
import { hasSensiblePackets } from './ssh2/packet-size.ts'
import { refuseChannel } from './ssh2/refuse-channel.ts'
import { writeInTurn } from './ssh2/write-in-turn.ts'

/** The machine itself, as its own sshd sees it. */
const itself = ['127.0.0.1', '::1', 'localhost']

/**
 * Local port forwards (`ssh -L`, `-D`, `-W`), into the machine and nowhere else. The machine's own sshd connects, so
 * that no name and no address is ever looked up or reached from this host.
 */
export function serveForwards(session: Session): void {
  const { connection, limits, login } = session
  let open = 0
  const refusalOf = (info: TcpipRequestInfo) =>
    open < limits.forwards ? refusal(info) : `${open} forwarded connections are open already`
  connection.on('tcpip', (accept, reject, info) => {
    const why = login.use === 'console' ? 'this key is for the console' : refusalOf(info)
    if (why !== undefined) {
      session.deny(`a forward to ${placeOf(info)}: ${why}`)
      refuseChannel(connection, reject, `Mayfly: ${why}`)
      return
    }
    open += 1
    void forward({ session, accept, reject, info }).finally(() => {
      open -= 1
    })
  })
  connection.on('openssh.streamlocal', (_accept, reject, { socketPath }) => {
    session.deny(`a forward to the socket ${socketPath.slice(0, 200)}`)
    refuseChannel(connection, reject, 'Mayfly: only ports are forwarded, no sockets of files')
  })
}

function refusal({ destIP, destPort }: TcpipRequestInfo): string | undefined {
  if (!itself.includes(destIP.toLowerCase())) {
    return `forwards lead into the machine only: expected ${itself.join(', ')} as the destination`
  }
  if (destPort < 1 || destPort > 65_535) return 'expected a port from 1 to 65535'
  return undefined
}

function placeOf({ destIP, destPort }: TcpipRequestInfo): string {
  return `${destIP.slice(0, 200)}:${destPort}`
}

type Forward = {
  session: Session
  /** Gives nothing for a channel that was refused or accepted before. */
  accept: () => ServerChannel | undefined
  reject: () => void
  info: TcpipRequestInfo
}

async function forward({ session, accept, reject, info }: Forward): Promise<void> {
  const { connection } = session
  const record = session.open('forward', placeOf(info))
  try {
    const client = await session.machine()
    const machine = await openInMachine(client, (to, done) =>
      to.forwardOut('127.0.0.1', info.srcPort, info.destIP.toLowerCase(), info.destPort, done),
    )
    const channel = accept()
    if (channel === undefined || !hasSensiblePackets(channel)) {
      machine.channel.close()
      channel?.close()
      return
    }
    // ssh2 ends this stream, which nothing is written to, as soon as the client closes the channel.
    channel.stderr.once('finish', record.leave)
    const link = insideOf(connection)
    await bridge({
      client: { channel, link, write: writeInTurn({ channel, link, gone: record.gone }) },
      machine: { ...machine, link: insideOf(client) },
      gone: record.gone,
      onToMachine: record.toMachine,
      onFromMachine: (chunk) => record.fromMachine(chunk.length),
    })
    channel.end()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    refuseChannel(connection, reject, `Mayfly: the machine did not connect to ${placeOf(info)}: ${why}`)
  } finally {
    record.closed(undefined)
  }
}
