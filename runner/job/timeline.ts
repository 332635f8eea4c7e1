import type { EgressRecord } from '../egress/egress-record.ts'
import { monotonicMs } from '../keeper/lease.ts'
import { cleanText } from '../logs/clean-text.ts'
import { createMasker } from '../logs/mask.ts'
import { createEventMasker } from './event-masker.ts'
import type { JobEvent, UntimedJobEvent } from './job-event.ts'
import type { JobFolder } from './job-folder.ts'
import type { JobNote } from './job-note.ts'
import { type JobRecord, recordEvent } from './job-record.ts'
import type { Counted } from './sample-machine.ts'

type TimelineOptions = {
  readonly folder: JobFolder
  readonly record: JobRecord
  readonly secrets: readonly string[]
  readonly onEvent: (event: JobEvent) => void
  /** Milliseconds since the job began. @defaultValue 0 */
  readonly elapsed?: number
  /** Where a log that another process began goes on. @defaultValue at its beginning */
  readonly from?: LogStart
}

export type LogStart = {
  /** The step that was under way; undefined between steps. */
  readonly step: number | undefined
  /** Bytes of its output that were heard before, and need not be again. */
  readonly raw: number
  /** Bytes of what comes now that lie in the log already, and of the console in its. */
  readonly skip: number
  readonly skipConsole: number
  /** Whether what comes now begins a line. */
  readonly atLineStart: boolean
}

/** What happens to a job, in order: masked, timed, kept in its folder and told to whoever watches. */
export type Timeline = {
  /** When the job began: ISO 8601, and by `monotonicMs`. */
  readonly started: string
  readonly began: number
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
  /** Resolves when all of the log so far is on disk. */
  flushLog(): Promise<void>
  /** How much of the console lies in its log so far, see `JobNote`. */
  consoleMark(): JobNote['console']
  /** Keeps what went over the machine's egress proxy so far, for another process. */
  keepEgress(records: readonly EgressRecord[]): void
  /** The same of what its machine's counters say. */
  keepCounted(counted: Counted): void
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
const betweenProgressMs = 500
const logBeginning: LogStart = { step: undefined, raw: 0, skip: 0, skipConsole: 0, atLineStart: true }

export function createTimeline(options: TimelineOptions): Timeline {
  const { folder, record, secrets, onEvent, elapsed = 0, from = logBeginning } = options
  const started = performance.now() - elapsed
  const began = monotonicMs() - elapsed
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

  let { atLineStart, skip, skipConsole } = from
  let output: Buffer = empty
  /** The step whose output comes, bytes of it that were heard, and when it was last written down how many. */
  let heard = { step: from.step, raw: from.raw, kept: performance.now() }
  let egressKept = '[]'
  const tellLog = async (step: number | undefined, data: Buffer) => {
    if (data.length === 0) return
    atLineStart = data.at(-1) === newline
    output = step === undefined ? empty : lastBytes(output, data)
    const fresh = data.subarray(skip)
    skip -= data.length - fresh.length
    if (fresh.length > 0) await tell({ type: 'log', step, data: fresh })
  }

  const hear = (step: number, bytes: number) => {
    // The one that was taken up may have nothing more to say.
    if (heard.step !== step) heard = { step, raw: 0, kept: performance.now() }
    heard.raw += bytes
  }
  /** Only where nothing that was masked in part is under way, and what is in the log is what was heard. */
  const keepHeard = (step: number) => {
    const held = logMasker.held()
    if (held === undefined || skip > 0 || performance.now() - heard.kept < betweenProgressMs) return
    heard.kept = performance.now()
    folder.writeProgress({
      ...{ type: 'heard', step },
      log: folder.log.size,
      raw: heard.raw - held,
    })
  }

  return {
    started: record.started,
    began,
    emit: (event) => void tell(maskEvent(event)),
    log: async (step, chunk) => {
      // A step need not end its last line; ours begin one of their own.
      if (step === undefined && !atLineStart) await tellLog(undefined, Buffer.from('\n'))
      if (step !== undefined) hear(step, chunk.length)
      await tellLog(step, logMasker.push(chunk))
      if (step !== undefined) keepHeard(step)
      // Our own lines are whole: held back, their end would count as the next step's output.
      if (step === undefined) await tellLog(step, logMasker.end())
    },
    remark: (text) => {
      // Not through the masker of the steps: it may hold half of a secret, which goes on after this line.
      const line = `${atLineStart ? '' : '\n'}[mayfly] ${text}\n`
      const data = maskWhole(line, secrets)
      folder.writeProgress({ type: 'remark', log: folder.log.size, bytes: data.length })
      atLineStart = true
      tell({ type: 'log', step: undefined, data }).catch(() => undefined)
    },
    endLog: (step) => tellLog(step, logMasker.end()),
    console: (chunk) => {
      const data = consoleMasker.push(chunk)
      const fresh = data.subarray(skipConsole)
      skipConsole -= data.length - fresh.length
      tellConsole(fresh)
    },
    outputTail: (count) => {
      const lines = cleanText(output)
        .split('\n')
        .filter((line) => line.trim() !== '')
      // It may begin in the middle of a line.
      return (output.length < tailBytes ? lines : lines.slice(1)).slice(-count)
    },
    logSize: () => folder.log.size,
    flushLog: () => folder.log.flush(),
    consoleMark: () => ({ size: folder.console.size, held: consoleMasker.held() ?? 0 }),
    keepEgress: (records) => {
      const text = JSON.stringify(records)
      if (text === egressKept) return
      egressKept = text
      folder.writeProgress({ type: 'egress', records })
    },
    keepCounted: (counted) => folder.writeProgress({ type: 'counted', ...counted }),
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
