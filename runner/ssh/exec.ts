import type { Client, ClientChannel } from 'ssh2'
import { untilAborted } from '../until-aborted.ts'

export type ExecOptions = {
  readonly client: Client
  readonly command: string
  readonly signal: AbortSignal
  /** Given to the command's standard input, which is closed after it. */
  readonly input?: string | Buffer
  /** Called in order and awaited, so that a slow reader slows the writer down; without it output is collected. */
  readonly onStdout?: (chunk: Buffer) => void | Promise<void>
  /** bytes of each collected stream; more rejects */
  readonly maxOutput?: number
}

/** `code` is undefined when the channel closed without an exit status, which is never a success. */
export type ExecOutcome = {
  readonly code: number | undefined
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** Runs a command over an open connection, until both its streams are read to their end. */
export async function exec(options: ExecOptions): Promise<ExecOutcome> {
  const { client, command, signal } = options
  signal.throwIfAborted()
  const opening = openChannel(client, command)
  try {
    return await untilAborted(
      opening.then((open) => talk(open, options)),
      signal,
    )
  } catch (error) {
    opening.then(({ channel }) => channel.destroy()).catch(() => undefined)
    throw error
  }
}

type OpenChannel = { channel: ClientChannel; status: Promise<number | undefined> }

async function talk({ channel, status }: OpenChannel, options: ExecOptions): Promise<ExecOutcome> {
  const { signal, input, onStdout, maxOutput = 1024 * 1024 } = options
  channel.end(input ?? '')
  const [stdout, stderr] = await Promise.all([
    onStdout === undefined ? collect(channel, maxOutput) : handOver({ stream: channel, onStdout, signal }),
    collect(channel.stderr, maxOutput),
  ])
  return { code: await status, stdout, stderr }
}

function openChannel(client: Client, command: string): Promise<OpenChannel> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Error('the SSH connection closed before the command began'))
    client.once('close', lost)
    client.exec(command, (error, channel) => {
      client.off('close', lost)
      if (error) reject(error)
      // Listened to at once: a short command's status can come in the very packet that opens the channel.
      else resolve({ channel, status: exitStatus(channel) })
    })
  })
}

// 'exit' is optional in the protocol; only 'close' is sure to come.
function exitStatus(channel: ClientChannel): Promise<number | undefined> {
  return new Promise((resolve) => {
    let code: number | undefined
    channel.once('exit', (status: number | null) => {
      code = status ?? undefined
    })
    channel.once('close', () => resolve(code))
  })
}

type HandOver = { stream: AsyncIterable<Buffer>; signal: AbortSignal } & Required<
  Pick<ExecOptions, 'onStdout'>
>

// What is still on its way when the caller has given up is not the caller's any more.
async function handOver({ stream, onStdout, signal }: HandOver): Promise<Buffer> {
  for await (const chunk of stream) {
    signal.throwIfAborted()
    await onStdout(chunk)
  }
  return Buffer.alloc(0)
}

async function collect(stream: AsyncIterable<Buffer>, maxOutput: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    size += chunk.length
    if (size > maxOutput) throw new Error(`expected at most ${maxOutput} bytes of output, got more`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
