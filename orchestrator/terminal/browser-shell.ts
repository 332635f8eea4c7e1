import type { Entered, ScreenSize } from './enter-gateway.ts'
import { createOutputTail, type OutputTail } from './output-tail.ts'

/** Who reads a shell's output now. Offsets and sizes are in bytes of output since its beginning. */
export type ShellReader = {
  output(chunk: Buffer): void
  /** After the last output. */
  ended(why: string): void
  /** Another one reads from now on. */
  replaced(): void
}

/** A shell, or a console that is typed on, which outlives the connection to its browser for a while. */
export type BrowserShell = {
  readonly id: string
  /** End of the machine's time, ISO 8601. */
  readonly until: string
  /** Begins to read, and gives where that is and up to where the output had come before. */
  attach(reader: ShellReader, at: number): { readonly from: number; readonly to: number }
  /** It reads no more; unless somebody comes back within so many milliseconds, the shell ends. */
  detach(reader: ShellReader, ms: number): void
  /** It has shown everything up to there. */
  took(reader: ShellReader, at: number): void
  /** Resolves when the machine has taken it, or never will. */
  type(chunk: Buffer): Promise<void>
  resize(size: ScreenSize): void
  end(why: string): void
}

export type ShellLimits = {
  /** bytes of output that are kept for a browser that comes back */
  readonly keptBytes: number
  /** bytes that are on their way to the browser without its word that it has shown them */
  readonly unshownBytes: number
  /** bytes of one message */
  readonly frameBytes: number
}

type Open = {
  readonly id: string
  readonly until: string
  readonly entered: Entered
  readonly limits: ShellLimits
  /** Nobody will read it any more. */
  readonly onGone: () => void
}

/**
 * Holds what a machine says until the browser has shown it. While a browser reads, the machine is made to wait once
 * more is unshown than the browser was allowed, so that nothing is lost and nothing piles up; while none does, it runs
 * on and the oldest output is forgotten.
 */
export function openBrowserShell({ id, until, entered, limits, onGone }: Open): BrowserShell {
  const { channel, exit, leave } = entered
  const tail = createOutputTail(limits.keptBytes)
  const typing = new Set<() => void>()
  let reader: ShellReader | undefined
  let sent = 0
  let shown = 0
  let ending: string | undefined
  let over: string | undefined
  let timer: NodeJS.Timeout | undefined

  const flow = () => {
    while (reader !== undefined && sent < tail.end && sent - shown < limits.unshownBytes) {
      const chunk = tail.read(sent, limits.frameBytes)
      sent += chunk.length
      reader.output(chunk)
    }
    if (reader !== undefined && tail.end - shown >= limits.unshownBytes) channel.pause()
    else channel.resume()
    if (reader !== undefined && over !== undefined && sent === tail.end) {
      const last = reader
      reader = undefined
      clearTimeout(timer)
      last.ended(over)
      onGone()
    }
  }
  const hear = (chunk: Buffer) => {
    tail.push(chunk)
    flow()
  }
  const end = (why: string) => {
    ending ??= why
    leave()
  }
  const linger = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      end('its browser did not come back')
      onGone()
    }, ms)
  }

  channel.on('data', hear)
  channel.stderr.on('data', hear)
  channel.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => channel.once('close', () => resolve()))
  void Promise.all([exit, closed]).then(([status]) => {
    over = ending ?? endOf(status, tail)
    // ssh2 calls nobody back for what a channel did not take before it was closed.
    for (const done of typing) done()
    leave()
    flow()
  })

  return {
    ...{ id, until },
    attach(next, at) {
      clearTimeout(timer)
      reader?.replaced()
      reader = next
      sent = Math.min(Math.max(at, tail.start), tail.end)
      shown = sent
      const place = { from: sent, to: tail.end }
      // Whoever attaches has to know its place before the first byte comes.
      queueMicrotask(flow)
      return place
    },
    detach(last, ms) {
      if (reader !== last) return
      reader = undefined
      linger(ms)
      flow()
    },
    took(from, at) {
      if (from !== reader) return
      shown = Math.min(Math.max(at, shown), sent)
      flow()
    },
    type: (chunk) =>
      new Promise((resolve) => {
        const done = () => {
          typing.delete(done)
          resolve()
        }
        typing.add(done)
        if (over !== undefined) return done()
        channel.write(chunk, done)
      }),
    resize: ({ cols, rows }) => channel.setWindow(rows, cols, 0, 0),
    end,
  }
}

function endOf(exit: Awaited<Entered['exit']>, tail: OutputTail): string {
  if (exit === undefined) return 'the connection to the machine was closed'
  if (!('code' in exit)) return `it ended by signal ${exit.signal}`
  return (exit.code === 255 ? lastWords(tail) : undefined) ?? `it ended with exit code ${exit.code}`
}

/** The gateway says in the terminal why it ends a session; SSH has no other place for it that ssh2 would show. */
function lastWords(tail: OutputTail): string | undefined {
  const text = tail.read(Math.max(tail.start, tail.end - 500), 500).toString('utf8')
  return /(?:^|\n)Mayfly: ([^\r\n]+)\r?\n$/.exec(text)?.[1]
}
