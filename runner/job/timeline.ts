import { cleanText } from '../logs/clean-text.ts'
import { createMasker } from '../logs/mask.ts'
import { createEventMasker } from './event-masker.ts'
import type { JobEvent, UntimedJobEvent } from './job-event.ts'
import type { JobFolder } from './job-folder.ts'
import { type JobRecord, recordEvent } from './job-record.ts'

type TimelineOptions = {
  readonly folder: JobFolder
  readonly record: JobRecord
  readonly secrets: readonly string[]
  readonly onEvent: (event: JobEvent) => void
}

/** What happens to a job, in order: masked, timed, kept in its folder and told to whoever watches. */
export type Timeline = {
  emit(event: UntimedJobEvent): void
  /** Bytes a step printed, or with `step` undefined lines of our own; waits when the disk is slower. */
  log(step: number | undefined, chunk: Buffer): Promise<void>
  /** A line of our own that may come in the middle of a step, whose output goes on after it as if it were not there. */
  remark(text: string): void
  /** Ends a step's output: what could have been the beginning of a secret is let go. */
  endLog(step: number): Promise<void>
  console(chunk: Buffer): void
  /** The last lines that the step under way has printed, masked and cleaned. */
  outputTail(count: number): string[]
  /** bytes of the log so far */
  logSize(): number
  /**
   * Waits until everything is on disk; rejects when something could not be written. Nothing is told afterwards, unless
   * the machine is kept: then its console is, as before, until `endConsole`.
   */
  settle(how?: { readonly keepsConsole: boolean }): Promise<void>
  /** Lets go what could have been the beginning of a secret on the console of a machine that was kept. */
  endConsole(): void
}

const newline = 10
const empty = Buffer.alloc(0)
const tailBytes = 8192

export function createTimeline({ folder, record, secrets, onEvent }: TimelineOptions): Timeline {
  const started = performance.now()
  const logMasker = createMasker(secrets)
  const consoleMasker = createMasker(secrets)
  const maskEvent = createEventMasker(secrets)
  let writing: Promise<void> = Promise.resolve()

  let isOver = false
  let keepsConsole = false

  const tell = (untimed: UntimedJobEvent): Promise<void> => {
    // A machine that is kept goes on when its job is over and the folder is closed.
    if (isOver) return Promise.resolve()
    const event: JobEvent = { ...untimed, at: Math.round(performance.now() - started) }
    recordEvent(record, event)
    onEvent(event)
    const written = folder.writeEvent(event)
    writing = Promise.all([writing, written]).then(() => undefined)
    // `settle` hands the fault on; until then it must not count as unhandled.
    writing.catch(() => undefined)
    return written
  }

  /** The record has been written by then, and whatever cannot be kept of the console costs nobody a verdict. */
  const tellKept = (data: Buffer) => {
    const event: JobEvent = { type: 'console', data, at: Math.round(performance.now() - started) }
    folder.writeEvent(event).catch(() => undefined)
    onEvent(event)
  }

  const tellConsole = (data: Buffer) => {
    if (data.length === 0) return
    if (!isOver) void tell({ type: 'console', data })
    else if (keepsConsole) tellKept(data)
  }

  let atLineStart = true
  let output: Buffer = empty
  const tellLog = async (step: number | undefined, data: Buffer) => {
    if (data.length === 0) return
    atLineStart = data.at(-1) === newline
    output = step === undefined ? empty : lastBytes(output, data)
    await tell({ type: 'log', step, data })
  }

  return {
    emit: (event) => void tell(maskEvent(event)),
    log: async (step, chunk) => {
      // A step need not end its last line; ours begin one of their own.
      if (step === undefined && !atLineStart) await tellLog(undefined, Buffer.from('\n'))
      await tellLog(step, logMasker.push(chunk))
      // Our own lines are whole: held back, their end would count as the next step's output.
      if (step === undefined) await tellLog(step, logMasker.end())
    },
    remark: (text) => {
      // Not through the masker of the steps: it may hold half of a secret, which goes on after this line.
      const line = `${atLineStart ? '' : '\n'}[mayfly] ${text}\n`
      tellLog(undefined, maskWhole(line, secrets)).catch(() => undefined)
    },
    endLog: (step) => tellLog(step, logMasker.end()),
    console: (chunk) => tellConsole(consoleMasker.push(chunk)),
    outputTail: (count) => {
      const lines = cleanText(output)
        .split('\n')
        .filter((line) => line.trim() !== '')
      // It may begin in the middle of a line.
      return (output.length < tailBytes ? lines : lines.slice(1)).slice(-count)
    },
    logSize: () => folder.log.size,
    settle: async (how = { keepsConsole: false }) => {
      if (!how.keepsConsole) tellConsole(consoleMasker.end())
      keepsConsole = how.keepsConsole
      isOver = true
      await writing
    },
    endConsole: () => {
      tellConsole(consoleMasker.end())
      keepsConsole = false
    },
  }
}

function maskWhole(text: string, secrets: readonly string[]): Buffer {
  const masker = createMasker(secrets)
  return Buffer.concat([masker.push(Buffer.from(text)), masker.end()])
}

function lastBytes(before: Buffer, data: Buffer): Buffer {
  if (data.length >= tailBytes) return Buffer.from(data.subarray(-tailBytes))
  return Buffer.concat([before.subarray(-(tailBytes - data.length)), data])
}
