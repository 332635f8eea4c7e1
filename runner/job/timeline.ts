import { createMasker, type Masker } from '../logs/mask.ts'
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
  /** Ends a step's output: what could have been the beginning of a secret is let go. */
  endLog(step: number): Promise<void>
  console(chunk: Buffer): void
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

export function createTimeline({ folder, record, secrets, onEvent }: TimelineOptions): Timeline {
  const started = performance.now()
  const logMasker = createMasker(secrets)
  const consoleMasker = createMasker(secrets)
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
  const tellLog = async (step: number | undefined, data: Buffer) => {
    if (data.length === 0) return
    atLineStart = data.at(-1) === newline
    await tell({ type: 'log', step, data })
  }

  return {
    emit: (event) => void tell(maskEvent(event, secrets)),
    log: async (step, chunk) => {
      // A step need not end its last line; ours begin one of their own.
      if (step === undefined && !atLineStart) await tellLog(undefined, Buffer.from('\n'))
      await tellLog(step, logMasker.push(chunk))
      // Our own lines are whole: held back, their end would count as the next step's output.
      if (step === undefined) await tellLog(step, logMasker.end())
    },
    endLog: (step) => tellLog(step, logMasker.end()),
    console: (chunk) => tellConsole(consoleMasker.push(chunk)),
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

// Names, reasons and hints can quote what the guest said, so they are masked like its output.
function maskEvent<E extends UntimedJobEvent>(event: E, secrets: readonly string[]): E {
  if (secrets.length === 0) return event
  const masker = createMasker(secrets)
  const masked = Object.entries(event).map(([key, value]) => [
    key,
    typeof value === 'string' && key !== 'type' ? maskText(masker, value) : value,
  ])
  return Object.fromEntries(masked) as E
}

function maskText(masker: Masker, text: string): string {
  return Buffer.concat([masker.push(Buffer.from(text)), masker.end()]).toString('utf8')
}
