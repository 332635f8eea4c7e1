import type { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

export type TerminalSize = { readonly cols: number; readonly rows: number }

export type Recording = {
  /** Resolves when the sink can take more. */
  output(chunk: Buffer, stream: 'stdout' | 'stderr'): Promise<void>
  resize(size: TerminalSize): void
  end(): void
}

type StartRecording = {
  readonly sink: Writable
  readonly size: TerminalSize
  /** Shown by players. */
  readonly title: string
  /** `TERM` of the terminal */
  readonly term: string
  /** bytes of the whole file */
  readonly limitBytes: number
  /** Told once when the sink fails. */
  readonly onFailed: (error: Error) => void
  /** ms, of a clock that never goes back */
  readonly now?: () => number
}

/** A terminal that says 0x0 has no size to replay in. */
const usualSize: TerminalSize = { cols: 80, rows: 24 }
/** bytes kept free for the line that says that the recording has stopped */
const noteBytes = 200

/**
 * Records what a terminal shows, as asciinema v2: a header, then one event a line, so that the file is good up to its
 * last whole line whatever ends the writer. What is typed is not recorded, for it may be a password.
 *
 * @see https://docs.asciinema.org/manual/asciicast/v2/
 */
export function startRecording({ sink, size, limitBytes, ...options }: StartRecording): Recording {
  const { title, term, onFailed, now = () => performance.now() } = options
  const begin = now()
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let written = 0
  let over = false
  const waiting: (() => void)[] = []
  const goOn = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  sink.on('drain', goOn)
  sink.on('close', goOn)
  sink.on('error', (error) => {
    over = true
    goOn()
    onFailed(error)
  })

  const write = async (value: unknown) => {
    const line = `${JSON.stringify(value)}\n`
    written += Buffer.byteLength(line)
    if (sink.write(line)) return
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  const event = async (code: 'o' | 'r', data: string) => {
    if (over || data === '') return
    const entry = [seconds(now() - begin), code, data]
    if (written + Buffer.byteLength(JSON.stringify(entry)) + noteBytes <= limitBytes)
      return await write(entry)
    over = true
    await write([entry[0], 'm', `the recording ends here: it has reached its limit of ${limitBytes} bytes`])
  }

  void write({
    version: 2,
    ...sizeOf(size),
    timestamp: Math.floor(Date.now() / 1000),
    title,
    env: { TERM: term },
  })
  return {
    output: (chunk, stream) => event('o', decoders[stream].write(chunk)),
    resize: (to) => void event('r', `${sizeOf(to).width}x${sizeOf(to).height}`),
    end: () => {
      for (const decoder of Object.values(decoders)) void event('o', decoder.end())
      over = true
      sink.end()
    },
  }
}

function sizeOf({ cols, rows }: TerminalSize): { width: number; height: number } {
  return { width: cols || usualSize.cols, height: rows || usualSize.rows }
}

function seconds(ms: number): number {
  return Math.round(ms * 1000) / 1_000_000
}
