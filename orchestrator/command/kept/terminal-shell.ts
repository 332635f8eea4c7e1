import type { ReadStream, WriteStream } from 'node:tty'
import type { Client } from 'ssh2'
import { insideOf } from '../../../runner/ssh/ssh2/inside.ts'
import { termOf } from '../../gateway/channel-request.ts'
import { openInMachine } from '../../gateway/open-in-machine.ts'
import { pump } from '../../gateway/pump.ts'
import { writeInTurn } from '../../gateway/ssh2/write-in-turn.ts'
import { createLeaveKeys } from './leave-keys.ts'

/** Where a person types and reads. */
export type Terminal = {
  readonly input: Pick<ReadStream, 'setRawMode' | 'on' | 'off' | 'resume' | 'pause'>
  readonly output: Pick<WriteStream, 'columns' | 'rows' | 'write' | 'on' | 'off'>
}

type TerminalShell = {
  /** Ended here. */
  readonly client: Client
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/**
 * Gives a terminal to a shell in the machine, key by key, until that shell ends, and gives it back as it was.
 * Resolves with why it is over. Throws what the machine's sshd says where there is no shell to be had.
 */
export async function terminalShell({ client, terminal, signal }: TerminalShell): Promise<string> {
  const { input, output } = terminal
  const left = new AbortController()
  const gone = AbortSignal.any([signal, left.signal])
  const lost = () => left.abort()
  client.once('close', lost)
  const size = () => ({ cols: output.columns || 80, rows: output.rows || 24 })
  const term = termOf(process.env.TERM ?? 'xterm')
  const lang = process.env.LANG
  const env = lang === undefined ? {} : { LANG: lang }
  try {
    const { channel, exit } = await openInMachine(client, (machine, done) =>
      machine.shell({ term, ...size() }, { env }, done),
    )
    const write = writeInTurn({ channel, link: insideOf(client), gone })
    const keys = createLeaveKeys()
    const onKeys = (typed: Buffer) => {
      const { bytes, leaves } = keys.push(typed)
      if (bytes.length > 0) void write(bytes)
      if (leaves) left.abort()
    }
    const onResize = () => channel.setWindow(size().rows, size().cols, 0, 0)
    const over = new Promise<void>((resolve) => {
      if (gone.aborted) resolve()
      else gone.addEventListener('abort', () => resolve(), { once: true })
    })
    input.setRawMode(true)
    input.on('data', onKeys)
    input.resume()
    output.on('resize', onResize)
    channel.stderr.resume()
    try {
      const shown = pump(channel, (chunk) => new Promise((resolve) => output.write(chunk, () => resolve())))
      await Promise.race([shown.then(() => exit), over])
      return gone.aborted ? 'you left it' : 'its shell ended'
    } finally {
      output.off('resize', onResize)
      input.off('data', onKeys)
      input.setRawMode(false)
      input.pause()
      channel.close()
    }
  } finally {
    client.off('close', lost)
    client.destroy()
  }
}
