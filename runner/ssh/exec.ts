import type { Client } from 'ssh2'
import { untilAborted } from '../until-aborted.ts'
import { type OpenChannel, openChannel } from './open-channel.ts'
import { takeAhead } from './opened-ahead.ts'
import { peerFault } from './ssh2/guard-peer.ts'

export type ExecOptions = {
  readonly client: Client
  readonly command: string
  readonly signal: AbortSignal
  /** Given to the command's standard input, which is closed after it. */
  readonly input?: string | Buffer
  /** A command that does the same once it has its input; it is used where it was opened ahead. */
  readonly ahead?: { readonly command: string; readonly input: string }
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

/**
 * Runs a command over an open connection, until both its streams are read to their end. Throws the signal's reason,
 * that there is too much output, what the reader throws, or InfraError('ssh-lost') when the guest broke the protocol.
 */
export async function exec(options: ExecOptions): Promise<ExecOutcome> {
  const { client, command, ahead, signal } = options
  signal.throwIfAborted()
  const waiting = ahead === undefined ? undefined : takeAhead(client, ahead.command)
  const opening = waiting === undefined ? openChannel(client, command) : Promise.resolve(waiting)
  const input = waiting === undefined ? options.input : ahead?.input
  try {
    const outcome = await untilAborted(
      opening.then((open) => talk(open, { ...options, input })),
      signal,
    )
    const fault = outcome.code === undefined ? peerFault(client) : undefined
    if (fault !== undefined) throw fault
    return outcome
  } catch (error) {
    opening.then(({ channel }) => channel.destroy()).catch(() => undefined)
    throw error
  }
}

type Talk = Omit<ExecOptions, 'input'> & { readonly input: ExecOptions['input'] | undefined }

async function talk({ channel, status }: OpenChannel, options: Talk): Promise<ExecOutcome> {
  const { signal, input, onStdout, maxOutput = 1024 * 1024 } = options
  channel.end(input ?? '')
  const [stdout, stderr] = await Promise.all([
    onStdout === undefined ? collect(channel, maxOutput) : handOver({ stream: channel, onStdout, signal }),
    collect(channel.stderr, maxOutput),
  ])
  return { code: await status, stdout, stderr }
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
